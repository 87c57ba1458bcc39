"""Hierarchical sequential transduction units (Zhai et al., ICML 2024): attention without a softmax, biased by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foretaste.nn.dropout import Dropout
from foretaste.nn.ragged import TIME_BUCKETS, pick, time_bucket

if TYPE_CHECKING:
    from foretaste.nn.ragged import Batch


class RelativeBias(nn.Module):
    """b(i, j) = p[i − j] + t[bucket(time_i − time_j)], both learned (eq. 2's rab)."""

    def __init__(self, max_length: int) -> None:
        super().__init__()
        self.by_place = nn.Parameter(torch.randn(max_length) * 0.02)
        self.by_time = nn.Parameter(torch.randn(TIME_BUCKETS) * 0.02)

    def forward(self, batch: Batch) -> Tensor:
        """(B or 1, W, W); what lies behind the diagonal means nothing."""
        places = torch.arange(batch.grid.shape[1])
        bias = self.by_place[(places[:, None] - places).clamp(min=0)][None]
        if batch.time is None:
            return bias
        time = batch.pad(batch.time)
        return bias + self.by_time[time_bucket(time[:, :, None] - time[:, None, :])]


class HstuBlock(nn.Module):
    """U, V, Q, K = SiLU(W norm(x));  x + W' (norm(A V) ⊙ U)  with  A = SiLU(Q Kᵀ / √d + b) / n (eq. 1 to 3).

    n is the number of events looked back on, so that a state does not grow with the history.
    """

    def __init__(self, width: int, heads: int, dropout: float, max_length: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.uvqk = nn.Linear(width, 4 * width)
        self.bias = RelativeBias(max_length)
        self.norm_seen = nn.LayerNorm(width)
        self.out = nn.Linear(width, width)
        self.drop = Dropout(dropout)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        width = x.shape[1]
        u, vqk = torch.split(F.silu(self.uvqk(self.norm(x))), [width, 3 * width], 1)
        padded = batch.pad(vqk)
        B, W = padded.shape[:2]
        v, q, k = padded.view(B, W, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3) * (width // self.heads) ** -0.5 + self.bias(batch)[:, None]
        # Padding stands behind the events, where a row never looks.
        past = torch.ones(W, W, dtype=torch.bool).tril()
        attention = F.silu(scores).masked_fill(~past, 0.0) / torch.arange(1, W + 1)[:, None]
        seen = batch.unpad((attention @ v).transpose(1, 2).reshape(B, W, width))
        return x + self.drop(self.out(self.norm_seen(seen) * u))


class Hstu(nn.Module):
    def __init__(self, width: int, blocks: int, heads: int, dropout: float, max_length: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(max_length, width) * 0.02)
        self.drop = Dropout(dropout)
        self.blocks = nn.ModuleList(HstuBlock(width, heads, dropout, max_length) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """x (T, width) the embedded events; returns (T, width)."""
        x = self.drop(x + pick(self.positions, batch.place))
        for block in self.blocks:
            x = block(x, batch)
        return self.norm(x)
