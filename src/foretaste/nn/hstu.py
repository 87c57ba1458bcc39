"""Hierarchical sequential transduction units (Zhai et al., ICML 2024): attention without a softmax, biased by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foretaste.nn.dropout import Dropout
from foretaste.nn.ragged import TIME_BUCKETS, pick, time_bucket

if TYPE_CHECKING:
    from foretaste.nn.memory import Memory
    from foretaste.nn.ragged import Batch


class RelativeBias(nn.Module):
    """b(i, j) = p[i − j] + t[bucket(time_i − time_j)], both learned (eq. 2's rab)."""

    def __init__(self, max_length: int) -> None:
        super().__init__()
        self.by_place = nn.Parameter(torch.randn(max_length) * 0.02)
        self.by_time = nn.Parameter(torch.randn(TIME_BUCKETS) * 0.02)

    def forward(self, batch: Batch) -> Tensor:
        """(B or 1, W, W); what lies behind the diagonal means nothing."""
        places = torch.arange(batch.grid.shape[1], device=batch.grid.device)
        bias = self.by_place[(places[:, None] - places).clamp(min=0)][None]
        if batch.time is None:
            return bias
        time = batch.pad(batch.time)
        return bias + self.by_time[time_bucket(time[:, :, None] - time[:, None, :])]

    def newest(self, n: int, length: int, time: Tensor | None) -> Tensor:
        """(n, length) of the newest n events of one row against all; time (length,) seconds, or None."""
        apart = torch.arange(length - n, length)[:, None] - torch.arange(length)
        bias = self.by_place[apart.clamp(min=0)]
        if time is None:
            return bias
        return bias + self.by_time[time_bucket(time[length - n :, None] - time)]


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
        past = torch.ones(W, W, dtype=torch.bool, device=x.device).tril()
        looked_on = torch.arange(1, W + 1, device=x.device)[:, None]
        attention = F.silu(scores).masked_fill(~past, 0.0) / looked_on
        seen = batch.unpad((attention @ v).transpose(1, 2).reshape(B, W, width))
        return x + self.drop(self.out(self.norm_seen(seen) * u))

    def extend(self, x: Tensor, time: Tensor | None, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """The newest n events of one row.

        x       : (n, width)
        time    : (t + n,) seconds of all events, or None
        past    : (2, heads, t, width / heads) values and keys of the t events before, None where there are none
        returns : (n, width), and the values and keys of all t + n
        """
        n, width = x.shape
        u, vqk = torch.split(F.silu(self.uvqk(self.norm(x))), [width, 3 * width], 1)
        v, q, k = vqk.view(n, 3, self.heads, width // self.heads).permute(1, 2, 0, 3)
        own = torch.stack([v, k])
        known = own if past is None else torch.cat([past, own], 2)
        length = known.shape[2]
        scores = q @ known[1].transpose(1, 2) * (width // self.heads) ** -0.5 + self.bias.newest(n, length, time)
        attention = F.silu(scores) / torch.arange(length - n + 1, length + 1)[:, None]
        if n > 1:
            attention = attention.tril(length - n)
        seen = (attention @ known[0]).transpose(0, 1).reshape(n, width)
        return x + self.out(self.norm_seen(seen) * u), known


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

    def extend(self, x: Tensor, time: Tensor | None, memory: Memory) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (n, width) the newest events of one row; their states (n, width), and values and keys of each block."""
        x = x + self.positions[memory.length : memory.length + len(x)]
        if time is not None and memory.time is not None:
            time = torch.cat([memory.time, time])
        kept = []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, HstuBlock)
            x, known = block.extend(x, time, memory.parts[number] if memory.parts else None)
            kept.append(known)
        return self.norm(x), tuple(kept)
