"""Hierarchical sequential transduction units (Zhai et al., ICML 2024): attention without a softmax, biased by time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foretaste.nn.dropout import Dropout
from foretaste.nn.ragged import TIME_BUCKETS, gather_rows, time_bucket

if TYPE_CHECKING:
    from foretaste.nn.ragged import Batch
    from foretaste.nn.sequence_cache import SequenceCache


class AttentionContext(NamedTuple):
    """How n events look back on W, the same for all blocks; n is W, or the newest few of one row.

    apart  : (n, W) int64 places between event i and event j; 0 where j is the later
    bucket : (B, n, W) int64 of the time from event j to the moment what comes after event i is asked for; or None
    share  : (n, W) 1 / the number of events i looks back on, 0 where j is the later
    """

    distance: Tensor
    bucket: Tensor | None
    weight: Tensor

    @classmethod
    def causal(
        cls, n: int, width: int, time: Tensor | None, next_time: Tensor | None, device: torch.device
    ) -> AttentionContext:
        """time (B, W) and until (B, n) in seconds, or both None."""
        index = torch.arange(width, device=device)
        distance = index[width - n :, None] - index
        weight = (distance >= 0) / (index[width - n :, None] + 1.0)
        bucket = None
        if time is not None and next_time is not None:
            # What is left of float64 after the difference fits into float32, whose logarithm takes half the time.
            bucket = time_bucket((next_time[:, :, None] - time[:, None, :]).float())
        return cls(distance.clamp(min=0), bucket, weight)


def gather_scalars(numbers: Tensor, codes: Tensor) -> Tensor:
    """numbers[codes] for numbers (n,). Six times quicker there and back, the gradient summed in one order."""
    return numbers.index_select(0, codes.flatten()).view(codes.shape)


class RelativeBias(nn.Module):
    """b(i, j) = p[i − j] + t[bucket(until_i − time_j)], both learned (eq. 2's rab).

    until_i is when what comes after event i was asked for: the next event's own time, and for the newest event the
    moment of the question. So the newest state knows whether somebody stayed or came back after a month.
    """

    def __init__(self, max_length: int) -> None:
        super().__init__()
        self.by_place = nn.Parameter(torch.randn(max_length) * 0.02)
        self.by_time = nn.Parameter(torch.zeros(TIME_BUCKETS))

    def forward(self, context: AttentionContext) -> Tensor:
        """(B or 1, n, W); what is later than the event that looks means nothing."""
        bias = gather_scalars(self.by_place, context.distance)[None]
        return bias if context.bucket is None else bias + gather_scalars(self.by_time, context.bucket)


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

    def forward(self, x: Tensor, pieces: list[tuple[Tensor, AttentionContext]], at: Tensor) -> Tensor:
        """(T, width) to (T, width); pieces and at as `Batch.pieces` has them."""
        width = x.shape[1]
        u, vqk = torch.split(F.silu(self.uvqk(self.norm(x))), [width, 3 * width], 1)
        longer = torch.cat([vqk, vqk.new_zeros(1, 3 * width)])
        found = []
        for grid, context in pieces:
            B, W = grid.shape
            v, q, k = gather_rows(longer, grid).view(B, W, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
            # Padding stands behind the events, where a row never looks.
            found.append(self._seen(q, k, v, context).transpose(1, 2).reshape(B * W, width))
        return x + self.drop(self.out(self.norm_seen(gather_rows(torch.cat(found), at)) * u))

    def extend(self, x: Tensor, past: Tensor | None, context: AttentionContext) -> tuple[Tensor, Tensor]:
        """The newest n events of one row.

        x       : (n, width)
        past    : (2, heads, t, width / heads) values and keys of the t events before, None where there are none
        returns : (n, width), and the values and keys of all t + n
        """
        n, width = x.shape
        u, vqk = torch.split(F.silu(self.uvqk(self.norm(x))), [width, 3 * width], 1)
        v, q, k = vqk.view(n, 3, self.heads, width // self.heads).permute(1, 2, 0, 3)
        own = torch.stack([v, k])
        known = own if past is None else torch.cat([past, own], 2)
        seen = self._seen(q[None], known[1][None], known[0][None], context)[0].transpose(0, 1).reshape(n, width)
        return x + self.out(self.norm_seen(seen) * u), known

    def _seen(self, q: Tensor, k: Tensor, v: Tensor, context: AttentionContext) -> Tensor:
        """A V: q (B, heads, n, d), k and v (B, heads, W, d) to (B, heads, n, d)."""
        scores = (q * q.shape[3] ** -0.5) @ k.transpose(2, 3) + self.bias(context)[:, None]
        return (F.silu(scores) * context.weight) @ v


class Hstu(nn.Module):
    """Blocks over events that also say how long it was until what came after them was asked for.

    timed : whether the times of events are read; without, the order is all there is
    """

    def __init__(
        self, width: int, blocks: int, heads: int, dropout: float, max_length: int, *, timed: bool = True
    ) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(max_length, width) * 0.02)
        self.waits = nn.Parameter(torch.zeros(TIME_BUCKETS, width)) if timed else None
        self.drop = Dropout(dropout)
        self.blocks = nn.ModuleList(HstuBlock(width, heads, dropout, max_length) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """x (T, width) the embedded events; returns (T, width)."""
        x = x + gather_rows(self.positions, batch.position)
        time, next_time = batch.time, batch.next_time()
        grids, at = batch.pieces()
        if self.waits is None or time is None or next_time is None:
            pieces = [
                (grid, AttentionContext.causal(grid.shape[1], grid.shape[1], None, None, x.device)) for grid in grids
            ]
        else:
            x = x + gather_rows(self.waits, time_bucket(next_time - time))
            times, untils = (torch.cat([moment, moment.new_zeros(1)]) for moment in (time, next_time))
            pieces = [
                (grid, AttentionContext.causal(grid.shape[1], grid.shape[1], times[grid], untils[grid], x.device))
                for grid in grids
            ]
        x = self.drop(x)
        for block in self.blocks:
            x = block(x, pieces, at)
        return self.norm(x)

    def extend(self, x: Tensor, time: Tensor | None, cache: SequenceCache) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (n, width) the newest events of one row, asked about at once; their states (n, width), what to remember.

        Remembered are the newest event as it came in, and values and keys of each block of those before it. It is read
        again with what follows: only then is known when that was asked for.
        """
        new, length = len(x), cache.length + len(x)
        x = x + self.positions[cache.length : length]
        known: list[Tensor | None] = [None] * len(self.blocks)
        if cache.parts:
            x = torch.cat([cache.parts[0], x])
            known = list(cache.parts[1:])
        n, kept = len(x), [x[-1:]]
        if self.waits is None or time is None:
            context = AttentionContext.causal(n, length, None, None, x.device)
        else:
            time = time if cache.time is None else torch.cat([cache.time, time])
            next_time = torch.cat([time[1:], time[-1:]])[length - n :]
            x = x + self.waits[time_bucket(next_time - time[length - n :])]
            context = AttentionContext.causal(n, length, time[None], next_time[None], x.device)
        for number, block in enumerate(self.blocks):
            assert isinstance(block, HstuBlock)
            x, own = block.extend(x, known[number], context)
            kept.append(own[:, :, :-1])
        return self.norm(x)[-new:], tuple(kept)
