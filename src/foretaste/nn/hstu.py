"""HSTU (Zhai et al., ICML 2024): pointwise attention without a softmax, with a relative bias of position and time."""

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
    """Relative positions and times of n query events and W key events, shared by all blocks; n = W, or the newest n.

    distance : (n, W) int64 positions between event i and event j; 0 where j is later
    bucket   : (B, n, W) int64 time bucket from event j to the time of the event after i; None without times
    weight   : (n, W) 1 / number of events up to i; 0 where j is later (the causal mask)
    """

    distance: Tensor
    bucket: Tensor | None
    weight: Tensor

    @classmethod
    def causal(
        cls, n: int, width: int, time: Tensor | None, next_time: Tensor | None, device: torch.device
    ) -> AttentionContext:
        """Of causal attention; time (B, W) and next_time (B, n) in seconds, or both None."""
        index = torch.arange(width, device=device)
        distance = index[width - n :, None] - index
        weight = (distance >= 0) / (index[width - n :, None] + 1.0)
        bucket = None
        if time is not None and next_time is not None:
            # After the difference float32 is precise enough, and its logarithm takes half the time.
            bucket = time_bucket((next_time[:, :, None] - time[:, None, :]).float())
        return cls(distance.clamp(min=0), bucket, weight)


def gather_scalars(numbers: Tensor, codes: Tensor) -> Tensor:
    """numbers[codes] for numbers (n,). Six times faster than indexing; its gradient is summed in a fixed order."""
    return numbers.index_select(0, codes.flatten()).view(codes.shape)


class RelativeBias(nn.Module):
    """b(i, j) = p[i − j] + t[bucket(next_time_i − time_j)], both learned (eq. 2's rab).

    next_time_i is the time of the event after i, and for the newest event the time of the query. So the newest state
    knows whether the user is still in the session or comes back after a month.
    """

    def __init__(self, max_length: int) -> None:
        super().__init__()
        self.by_place = nn.Parameter(torch.randn(max_length) * 0.02)
        self.by_time = nn.Parameter(torch.zeros(TIME_BUCKETS))

    def forward(self, context: AttentionContext) -> Tensor:
        """(B or 1, n, W); entries of later events are masked by `AttentionContext.weight`."""
        bias = gather_scalars(self.by_place, context.distance)[None]
        return bias if context.bucket is None else bias + gather_scalars(self.by_time, context.bucket)


class HstuBlock(nn.Module):
    """U, V, Q, K = SiLU(W norm(x));  x + W' (norm(A V) ⊙ U)  with  A = SiLU(Q Kᵀ / √d + b) / n (eq. 1 to 3).

    n is the number of events up to the query event, so that the scale of a state does not grow with the history.
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
        """(T, width) to (T, width); pieces and at as of `Batch.pieces`."""
        width = x.shape[1]
        u, vqk = torch.split(F.silu(self.uvqk(self.norm(x))), [width, 3 * width], 1)
        longer = torch.cat([vqk, vqk.new_zeros(1, 3 * width)])
        outputs = []
        for grid, context in pieces:
            B, W = grid.shape
            v, q, k = gather_rows(longer, grid).view(B, W, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
            # Padding follows the events, where causal attention never looks.
            outputs.append(self._attend(q, k, v, context).transpose(1, 2).reshape(B * W, width))
        return x + self.drop(self.out(self.norm_seen(gather_rows(torch.cat(outputs), at)) * u))

    def extend(self, x: Tensor, past: Tensor | None, context: AttentionContext) -> tuple[Tensor, Tensor]:
        """Incremental forward: the newest n events of one row.

        x       : (n, width)
        past    : (2, heads, t, width / heads) values and keys of the t events before, None for t = 0
        returns : (n, width) states, and the values and keys of all t + n
        """
        n, width = x.shape
        u, vqk = torch.split(F.silu(self.uvqk(self.norm(x))), [width, 3 * width], 1)
        v, q, k = vqk.view(n, 3, self.heads, width // self.heads).permute(1, 2, 0, 3)
        own = torch.stack([v, k])
        keys_values = own if past is None else torch.cat([past, own], 2)
        seen = (
            self._attend(q[None], keys_values[1][None], keys_values[0][None], context)[0]
            .transpose(0, 1)
            .reshape(n, width)
        )
        return x + self.out(self.norm_seen(seen) * u), keys_values

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, context: AttentionContext) -> Tensor:
        """A V: q (B, heads, n, d), k and v (B, heads, W, d) to (B, heads, n, d)."""
        scores = (q * q.shape[3] ** -0.5) @ k.transpose(2, 3) + self.bias(context)[:, None]
        return (F.silu(scores) * context.weight) @ v


class Hstu(nn.Module):
    """HSTU blocks; each event also carries the time until the next one (`waits`).

    timed : whether event times are used; otherwise only their order
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
            times, next_times = (torch.cat([moment, moment.new_zeros(1)]) for moment in (time, next_time))
            pieces = [
                (grid, AttentionContext.causal(grid.shape[1], grid.shape[1], times[grid], next_times[grid], x.device))
                for grid in grids
            ]
        x = self.drop(x)
        for block in self.blocks:
            x = block(x, pieces, at)
        return self.norm(x)

    def extend(self, x: Tensor, time: Tensor | None, cache: SequenceCache) -> tuple[Tensor, tuple[Tensor, ...]]:
        """States (n, width) of the newest n events x (n, width) of one row, queried at the newest time; and the cache.

        Cached are the embedding of the newest event, and values and keys of each block for those before it. The newest
        event is recomputed with the next one, because its state depends on the time of that event.
        """
        new, length = len(x), cache.length + len(x)
        x = x + self.positions[cache.length : length]
        cached: list[Tensor | None] = [None] * len(self.blocks)
        if cache.parts:
            x = torch.cat([cache.parts[0], x])
            cached = list(cache.parts[1:])
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
            x, own = block.extend(x, cached[number], context)
            kept.append(own[:, :, :-1])
        return self.norm(x)[-new:], tuple(kept)
