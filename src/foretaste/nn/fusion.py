"""Multimodal fusion: the parts of an item (id embedding, texts, tokens, image, …) into one vector.

Every module takes parts, M × (n, width), exactly 0 where an item lacks a part, and present, (n, M) bool. All are
initialised to the sum of the parts (attention approximately), and a missing part has no influence: neither the part nor
the weights learned for it reach the item's vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

FusionKind = Literal["sum", "concat", "gated", "attention"]
MASKED_LOGIT = -1e9
"""Its softmax is 0 beside any real logit, and finite where all logits are masked."""


def fusion_of(kind: FusionKind, width: int, parts: int, *, row: bool) -> nn.Module:
    """The fusion module of this kind.

    parts : M
    row   : whether the first part is the id embedding
    """
    if kind == "sum" or parts == 1:
        return Sum()
    if kind == "concat":
        return Concat(width, parts)
    if kind == "gated":
        return Gated(width, parts)
    return CrossAttention(width, row=row)


class Sum(nn.Module):
    """e = Σ_m p_m."""

    def forward(self, parts: Sequence[Tensor], present: Tensor) -> Tensor:
        return sum(parts[1:], parts[0])


class Concat(nn.Module):
    """e = Σ_m p_m + W₂ gelu(W₁ [p_1; …; p_M] / r), concatenated and projected; W₂ is initialised to 0.

    r is the root mean square of the present parts. No map has a bias, so a missing part (0) adds nothing.
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.mix = nn.Linear(parts * width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, parts: Sequence[Tensor], present: Tensor) -> Tensor:
        side_by_side = torch.cat(list(parts), 1)
        squares = side_by_side.square().sum(1, keepdim=True)
        numbers = present.sum(1, keepdim=True).clamp(min=1) * parts[0].shape[1]
        scale = torch.rsqrt(squares / numbers + 1e-12)
        # Scaling after the product is equivalent and cheaper: its output is narrower than its input.
        return sum(parts[1:], parts[0]) + self.out(F.gelu(self.mix(side_by_side) * scale))


class Gated(nn.Module):
    """e = k Σ_m g_m p_m, g the softmax of A [p_1; …; p_M] + a over the k present parts (GMU: Arevalo et al., 2017).

    The gates sum to k and not to 1, so that the scale of an item does not depend on how many parts it has. A and a are
    initialised to 0.
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.gates = nn.Linear(parts * width, parts)
        nn.init.zeros_(self.gates.weight)
        nn.init.zeros_(self.gates.bias)

    def forward(self, parts: Sequence[Tensor], present: Tensor) -> Tensor:
        logits = self.gates(torch.cat(list(parts), 1)).masked_fill(~present, MASKED_LOGIT)
        gates = logits.softmax(1) * present.sum(1, keepdim=True)
        return _weighted(gates, parts)


class CrossAttention(nn.Module):
    """e = q + V (k Σ_m a_m p_m), a = softmax(q B p_m / √width) over the k parts besides the id embedding q.

    One head of Vaswani et al. 2017 with W_Q W_Kᵀ = B in one matrix; B and V are initialised to the identity. Items
    without an id embedding (ids off, or no training events) share a learned query instead of q, not added to e.
    """

    def __init__(self, width: int, *, row: bool) -> None:
        super().__init__()
        self.row = row
        self.query = nn.Parameter(torch.zeros(width))
        self.match = nn.Parameter(torch.eye(width))
        self.value = nn.Parameter(torch.eye(width))

    def forward(self, parts: Sequence[Tensor], present: Tensor) -> Tensor:
        if not self.row:
            return self._attend(self.query[None], parts, present)
        own, tokens = parts[0], parts[1:]
        query = torch.where(present[:, :1], own, self.query)
        return own + self._attend(query, tokens, present[:, 1:])

    def _attend(self, query: Tensor, tokens: Sequence[Tensor], present: Tensor) -> Tensor:
        projected = query @ self.match * query.shape[1] ** -0.5
        logits = torch.stack([(projected * token).sum(1) for token in tokens], 1).masked_fill(~present, MASKED_LOGIT)
        return _weighted(logits.softmax(1) * present.sum(1, keepdim=True), tokens) @ self.value


def _weighted(weights: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """Σ_m weights[:, m] p_m."""
    return sum((weights[:, m, None] * part for m, part in enumerate(parts[1:], 1)), weights[:, :1] * parts[0])
