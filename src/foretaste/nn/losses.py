"""What a state should say: the next item above the others. States (T, D), the catalogue E (n, D), targets (T,).

Each returns one number, the mean over the T targets; scores are s = h·e.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from foretaste.nn.ragged import gather_rows

CHUNK_CELLS = 1 << 23
"""Scores held at once by the full softmax, and as many probabilities: 16 MB each in bfloat16, of a table of targets ×
catalogue that would be gigabytes. Chunks that fit into a nearer cache were slower, their products cost more."""


def full_softmax(states: Tensor, items: Tensor, targets: Tensor, low: torch.dtype = torch.float32) -> Tensor:
    """−log exp(s⁺) / Σ_j exp(s_j), over every item of the catalogue; in chunks, each score computed once.

    low : the precision of the products; the softmax itself is float32
    """
    loss: Tensor = _FullSoftmax.apply(states, items, targets, low)  # type: ignore[no-untyped-call]  # torch leaves it so
    return loss


class _FullSoftmax(torch.autograd.Function):
    """The gradient of a softmax is at hand when the loss is: (p − 1_y) E for the states, (p − 1_y)ᵀ H for the items.

    So both are taken chunk by chunk on the way forward, and no table of scores outlives its chunk.
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
            # Not scatter_ and gather, which copy all of p. And not p_y − 1: of a p_y near 1 it would leave nothing in
            # low precision; the sum of the others does.
            at = steps[: len(y)], y
            wanted = p[at]
            p[at] = 0.0
            others = p.sum(1)
            p[at] = -others
            total += torch.log1p(others.float() / wanted.float()).sum()
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
    """The softmax over the target and K shared negatives, corrected for how often each is drawn.

    negatives : (K,) codes, shared by all targets; one that is the target of a row does not count there
    log_q     : (n,) log of the expected count of each item among the negatives; None where all are drawn alike
    (Bengio & Senécal 2008; Yi et al., RecSys 2019: s_j − log q_j)
    """
    positive = (states * gather_rows(items, targets)).sum(1, keepdim=True).float()
    others = (states @ gather_rows(items, negatives).T).float()
    if log_q is not None:
        positive = positive - log_q[targets][:, None]
        others = others - log_q[negatives]
    others = others.masked_fill(negatives == targets[:, None], -torch.inf)
    return F.cross_entropy(torch.cat([positive, others], 1), torch.zeros_like(targets))


def gbce(states: Tensor, items: Tensor, targets: Tensor, negatives: Tensor, beta: float) -> Tensor:
    """−log σ(s⁺)^β − Σ_k log(1 − σ(s_k)) / 1 (Petrov & Macdonald, RecSys 2023: gSASRec).

    beta : α (t (1 − 1/α) + 1/α), with α = K / (n − 1) the share of items drawn and t the calibration, 0 to 1
    """
    positive = (states * gather_rows(items, targets)).sum(1).float()
    others = (states @ gather_rows(items, negatives).T).float()
    counts = (negatives != targets[:, None]).float()
    return (-beta * F.logsigmoid(positive) - (counts * F.logsigmoid(-others)).sum(1)).mean()


def bpr(states: Tensor, items: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
    """−log σ(s⁺ − s_k), mean over the negatives (Rendle et al., UAI 2009)."""
    positive = (states * gather_rows(items, targets)).sum(1, keepdim=True).float()
    others = (states @ gather_rows(items, negatives).T).float()
    counts = (negatives != targets[:, None]).float()
    return (-(counts * F.logsigmoid(positive - others)).sum(1) / counts.sum(1).clamp(min=1)).mean()


def info_nce(queries: Tensor, keys: Tensor, temperature: float, log_q: Tensor | None = None) -> Tensor:
    """Row i of `queries` belongs to row i of `keys`; the other rows are its negatives (van den Oord et al. 2018).

    queries, keys : (B, D) rows of length 1
    log_q         : (B,) log of how often each key appears in batches, taken off its scores (logQ correction)
    """
    scores = queries @ keys.T / temperature
    if log_q is not None:
        scores = scores - log_q
    return F.cross_entropy(scores.float(), torch.arange(len(queries), device=queries.device))
