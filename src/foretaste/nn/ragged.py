"""Rows of different lengths as one flat tensor: only attention, which compares within a row, ever sees padding."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

PADDING_WIDTHS = (8, 16, 32, 64, 128)
"""Rows of at most so many events are padded apart from longer ones."""
TIME_BUCKETS = 64
_RATIO = math.log(1.5)
"""Each bucket of time differences ends where 1.5 times the one before ends: 64 of them reach over 5,000 years."""


def gather_rows(rows: Tensor, codes: Tensor) -> Tensor:
    """rows[codes] for rows (n, D). Its gradient is summed in one order, whatever the number of threads: `rows[codes]`
    sums it in the order in which the threads arrive, and the same seed would not give the same weights."""
    return F.embedding(codes, rows)


class Batch(NamedTuple):
    """B rows of T events in all, one after the other.

    items : (T,) int64 codes
    row   : (T,) int64 the row of each event
    place : (T,) int64 its place in the row, 0 the oldest
    grid  : (B, W) int64 the event at each place of each row, T where the row is shorter; W the longest row
    last  : (B,) int64 the newest event of each row
    time  : (T,) float64 seconds, or None
    kind  : (T,) int64
    asked : (B,) float64 seconds, when what comes after the newest event is asked for; None: at once
    person : (B, P) float32, what is known of each person beside their events; None where that is nothing
    """

    items: Tensor
    row: Tensor
    position: Tensor
    grid: Tensor
    last: Tensor
    time: Tensor | None
    kind: Tensor
    asked_at: Tensor | None = None
    user_features: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        parts = {name: part for name, part in self._asdict().items() if part is not None}
        return self._replace(**{name: part.to(device, non_blocking=True) for name, part in parts.items()})

    def gaps(self) -> Tensor | None:
        """(T,) float64 seconds since the event before, 0 for the first of a row; None without times."""
        if self.time is None:
            return None
        return torch.where(self.position > 0, self.time - self.time.roll(1), 0.0)

    def next_time(self) -> Tensor | None:
        """(T,) float64 seconds when what came after each event was asked for: the time of the event that did, and of
        the newest the moment of the question; None without times."""
        if self.time is None:
            return None
        asked_at = self.time[self.last] if self.asked_at is None else self.asked_at
        return self.time.roll(-1).index_copy(0, self.last, asked_at)

    def pad(self, flat: Tensor) -> Tensor:
        """(T,) or (T, D) to (B, W) or (B, W, D), zeros where there is no event."""
        longer = torch.cat([flat, flat.new_zeros(1, *flat.shape[1:])])
        return longer[self.grid] if flat.ndim == 1 else gather_rows(longer, self.grid)

    def unpad(self, padded: Tensor) -> Tensor:
        """(B, W, D) back to (T, D)."""
        return gather_rows(padded.flatten(0, 1), self.row * self.grid.shape[1] + self.position)

    def pieces(self) -> tuple[list[Tensor], Tensor]:
        """The grid in pieces, short rows apart from long ones, beside which they would be mostly padding; and (T,) the
        place of each event in all cells of all pieces, one after the other. Where waiting for the lengths would cost
        more than the padding, on an accelerator, the grid in one piece."""
        W = self.grid.shape[1]
        if PADDING_WIDTHS[0] >= W or len(self.grid) == 1 or self.grid.device.type != "cpu":
            return [self.grid], self.row * W + self.position
        lengths = self.position[self.last] + 1
        found, first, start, low = [], torch.empty_like(self.last), 0, 0
        for high in [high for high in PADDING_WIDTHS if high < W] + [W]:
            rows = torch.nonzero((lengths > low) & (lengths <= high))[:, 0]
            if len(rows):
                found.append(self.grid[rows, :high])
                first[rows] = start + high * torch.arange(len(rows))
                start += high * len(rows)
            low = high
        return found, first[self.row] + self.position


def time_bucket(seconds: Tensor) -> Tensor:
    """Differences of time as one of TIME_BUCKETS, fine for seconds and coarse for years; below a second the first."""
    return (seconds.clamp(min=1).log() / _RATIO).long().clamp(max=TIME_BUCKETS - 1)


def nearest_trained(rows: Tensor) -> Tensor:
    """Rows of time buckets, those that learning left at zero taken from the nearest learned one, the shorter of two.

    rows : (TIME_BUCKETS, ...) begun at zero, where weight decay and steps without a gradient leave them
    """
    learned = rows.reshape(TIME_BUCKETS, -1).any(1).nonzero()[:, 0]
    if not len(learned):
        return rows
    apart = (torch.arange(TIME_BUCKETS, device=rows.device)[:, None] - learned).abs()
    return rows[learned[apart.argmin(1)]]


def batch_of(
    items: Tensor,
    lengths: Tensor,
    time: Tensor | None = None,
    kind: Tensor | None = None,
    asked_at: Tensor | None = None,
) -> Batch:
    """items (T,), lengths (B,) ≥ 1, of sum T."""
    kind = torch.zeros_like(items) if kind is None else kind
    if len(lengths) == 1:  # one person asks, and waits: a tenth of a millisecond less
        position = torch.arange(len(items))
        return Batch(items, torch.zeros_like(position), position, position[None], position[-1:], time, kind, asked_at)
    offsets = torch.cumsum(lengths, 0) - lengths
    row = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    position = torch.arange(len(items)) - offsets[row]
    steps = torch.arange(int(lengths.max()) if len(lengths) else 0)
    grid = torch.where(steps < lengths[:, None], offsets[:, None] + steps, len(items))
    return Batch(items, row, position, grid, offsets + lengths - 1, time, kind, asked_at)
