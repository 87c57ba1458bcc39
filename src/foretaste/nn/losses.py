"""Losses of next-item prediction: states H (T, D), item embeddings E (n, D), targets (T,) int64, scores s = h·e.

Each returns a scalar, the mean over the T targets.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from foretaste.nn.ragged import gather_rows

CHUNK_CELLS = 1 << 23
"""Scores in memory at once in the full softmax: 16 MB in bfloat16, where the whole targets × catalogue matrix would be
gigabytes. Smaller chunks, which fit a nearer cache, were slower."""


def full_softmax(states: Tensor, items: Tensor, targets: Tensor, low: torch.dtype = torch.float32) -> Tensor:
    """−log exp(s⁺) / Σ_j exp(s_j), cross-entropy over the whole catalogue, in chunks; each score is computed once.

    low : dtype of the matrix products; the loss is summed in float32
    """
    loss: Tensor = _FullSoftmax.apply(states, items, targets, low)  # type: ignore[no-untyped-call]  # torch leaves it so
    return loss


class _FullSoftmax(torch.autograd.Function):
    """Computes the gradients, (p − 1_y) E of the states and (p − 1_y)ᵀ H of the items, in the forward pass.

    So the scores of a chunk are freed before the next one, and no targets × catalogue matrix is ever held.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, items: Tensor, targets: Tensor, low: torch.dtype) -> Tensor:
        H, E = states.detach().to(low), items.detach().to(low)
        d_states, d_items = torch.empty_like(H), torch.zeros_like(E, dtype=torch.float32)
        total = torch.zeros((), device=H.device)
        rows = max(1, CHUNK_CELLS // len(E))
        steps = torch.arange(min(rows, len(H)), device=H.device)
        for h, d_h, y in zip(
            torch.split(H, rows), torch.split(d_states, rows), torch.split(targets, rows), strict=True
        ):
            p = torch.softmax(h @ E.T, 1)
            # Not scatter_ and gather, which copy all of p. And not p_y − 1, which cancels in low precision for p_y
            # near 1; the negated sum of the others does not.
            at = steps[: len(y)], y
            of_target = p[at]
            p[at] = 0.0
            others = p.sum(1)
            p[at] = -others
            total += torch.log1p(others.float() / of_target.float()).sum()
            torch.mm(p, E, out=d_h)
            d_items += p.T @ h
        ctx.save_for_backward(d_states, d_items)
        ctx.dtypes = states.dtype, items.dtype, len(targets)
        return total / len(targets)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        d_states, d_items = ctx.saved_tensors
        of_states, of_items, n = ctx.dtypes
        scale = gradients[0] / n
        return (d_states * scale).to(of_states), (d_items * scale).to(of_items), None, None


def sampled_softmax(
    states: Tensor, items: Tensor, targets: Tensor, negatives: Tensor, log_q: Tensor | None = None
) -> Tensor:
    """Softmax over the target and K shared negatives with logQ correction: s_j − log q_j.

    Bengio & Senécal 2008; Yi et al., RecSys 2019, eq. 3.

    negatives : (K,) codes, shared by all targets; a negative that equals the target of a row is masked there
    log_q     : (n,) log of the expected count of each item among the negatives; None for uniform sampling
    """
    positive = (states * gather_rows(items, targets)).sum(1, keepdim=True).float()
    others = (states @ gather_rows(items, negatives).T).float()
    if log_q is not None:
        positive = positive - log_q[targets][:, None]
        others = others - log_q[negatives]
    others = others.masked_fill(negatives == targets[:, None], -torch.inf)
    return F.cross_entropy(torch.cat([positive, others], 1), torch.zeros_like(targets))


def gbce(states: Tensor, items: Tensor, targets: Tensor, negatives: Tensor, beta: float) -> Tensor:
    """−β log σ(s⁺) − Σ_k log(1 − σ(s_k)) (gBCE; Petrov & Macdonald, RecSys 2023: gSASRec).

    negatives : (K,) codes, shared by all targets
    beta      : α (t (1 − 1/α) + 1/α), with α = K / (n − 1) the sampling rate,
                t the calibration, 0 to 1
    """
    positive = (states * gather_rows(items, targets)).sum(1).float()
    others = (states @ gather_rows(items, negatives).T).float()
    counts = (negatives != targets[:, None]).float()
    return (-beta * F.logsigmoid(positive) - (counts * F.logsigmoid(-others)).sum(1)).mean()


def bpr(states: Tensor, items: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """−log σ(s⁺ − s_k), mean over the K shared negatives (K,) (BPR; Rendle et al., UAI 2009)."""
    positive = (states * gather_rows(items, targets)).sum(1, keepdim=True).float()
    others = (states @ gather_rows(items, negatives).T).float()
    counts = (negatives != targets[:, None]).float()
    return (-(counts * F.logsigmoid(positive - others)).sum(1) / counts.sum(1).clamp(min=1)).mean()


def info_nce(queries: Tensor, keys: Tensor, temperature: float, log_q: Tensor | None = None) -> Tensor:
    """InfoNCE with in-batch negatives: `keys[i]` is the positive of `queries[i]` (van den Oord et al. 2018).

    queries, keys : (B, D) rows of length 1
    log_q         : (B,) log of the sampling frequency of each key, subtracted from its scores (logQ correction)
    """
    scores = queries @ keys.T / temperature
    if log_q is not None:
        scores = scores - log_q
    return F.cross_entropy(scores.float(), torch.arange(len(queries), device=queries.device))
