"""The parts of an item (its learned row, its texts, words, picture, …) made one vector; any part may be missing.

Each way takes parts, M × (n, width), exactly 0 where an item lacks one, and there, (n, M) bool. All begin as the sum of
the parts (attention nearly), and what an item lacks says nothing: neither the part nor what is learned of the part
reaches its vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

FusionKind = Literal["sum", "concat", "gated", "attention"]
NEVER = -1e9
"""A logit whose softmax is 0 beside any other, and still a number where there is no other."""


def fusion_of(kind: FusionKind, width: int, parts: int, *, row: bool) -> nn.Module:
    """parts : M; row : whether the first of them is the learned row"""
    if kind == "sum" or parts == 1:
        return Sum()
    if kind == "concat":
        return Concat(width, parts)
    if kind == "gated":
        return Gated(width, parts)
    return CrossAttention(width, row=row)


class Sum(nn.Module):
    """e = Σ_m p_m."""

    def forward(self, parts: Sequence[Tensor], there: Tensor) -> Tensor:
        return sum(parts[1:], parts[0])


class Concat(nn.Module):
    """e = Σ_m p_m + W₂ gelu(W₁ [p_1; …; p_M] / r), concatenated and projected; W₂ begins at 0.

    r is the root mean square of the parts that are there. No map adds a constant, so a part that is 0 adds nothing.
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.mix = nn.Linear(parts * width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, parts: Sequence[Tensor], there: Tensor) -> Tensor:
        side_by_side = torch.cat(list(parts), 1)
        squares = side_by_side.square().sum(1, keepdim=True)
        numbers = there.sum(1, keepdim=True).clamp(min=1) * parts[0].shape[1]
        scale = torch.rsqrt(squares / numbers + 1e-12)
        # Dividing after the product, which is narrower than what goes in, is the same and cheaper.
        return sum(parts[1:], parts[0]) + self.out(F.gelu(self.mix(side_by_side) * scale))


class Gated(nn.Module):
    """e = k Σ_m g_m p_m, g the softmax of A [p_1; …; p_M] + a over the k parts that are there (Arevalo et al., 2017).

    The gates sum to k and not to 1: an item with one part alone is then as loud as items with all of them. A and a
    begin at 0.
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.gates = nn.Linear(parts * width, parts)
        nn.init.zeros_(self.gates.weight)
        nn.init.zeros_(self.gates.bias)

    def forward(self, parts: Sequence[Tensor], there: Tensor) -> Tensor:
        logits = self.gates(torch.cat(list(parts), 1)).masked_fill(~there, NEVER)
        gates = logits.softmax(1) * there.sum(1, keepdim=True)
        return _weighted(gates, parts)


class CrossAttention(nn.Module):
    """e = q + V (k Σ_m a_m p_m), a = softmax(q B p_m / √width) over the k parts beside the learned row q.

    One head of Vaswani et al. 2017 with W_Q W_Kᵀ = B in one matrix; B and V begin as the identity. Items without a
    learned row (ids off, or nobody has taught it) ask with a learned query that they share, which is no part of e.
    """

    def __init__(self, width: int, *, row: bool) -> None:
        super().__init__()
        self.row = row
        self.query = nn.Parameter(torch.zeros(width))
        self.match = nn.Parameter(torch.eye(width))
        self.value = nn.Parameter(torch.eye(width))

    def forward(self, parts: Sequence[Tensor], there: Tensor) -> Tensor:
        if not self.row:
            return self._seen(self.query[None], parts, there)
        own, tokens = parts[0], parts[1:]
        query = torch.where(there[:, :1], own, self.query)
        return own + self._seen(query, tokens, there[:, 1:])

    def _seen(self, query: Tensor, tokens: Sequence[Tensor], there: Tensor) -> Tensor:
        asked = query @ self.match * query.shape[1] ** -0.5
        logits = torch.stack([(asked * token).sum(1) for token in tokens], 1).masked_fill(~there, NEVER)
        return _weighted(logits.softmax(1) * there.sum(1, keepdim=True), tokens) @ self.value


def _weighted(weights: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """Σ_m weights[:, m] p_m."""
    return sum((weights[:, m, None] * part for m, part in enumerate(parts[1:], 1)), weights[:, :1] * parts[0])
