"""Ragged rows (sequences of different lengths) as one flat tensor; only attention pads them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

PADDING_WIDTHS = (8, 16, 32, 64, 128)
"""Rows are grouped by these lengths, each group padded to its own width (length bucketing)."""
TIME_BUCKETS = 64
_RATIO = math.log(1.5)
"""Time buckets grow by a factor of 1.5: 64 of them reach over 5,000 years."""


def gather_rows(rows: Tensor, codes: Tensor) -> Tensor:
    """rows[codes] for rows (n, D), with a deterministic gradient.

    `rows[codes]` sums gradients in the order in which threads arrive, so the same seed would not give the same weights.
    """
    return F.embedding(codes, rows)


class Batch(NamedTuple):
    """B rows (sequences) with T events in total, concatenated.

    items : (T,) int64 codes
    row   : (T,) int64 row of each event
    position : (T,) int64 its position in the row, 0 is the oldest
    grid  : (B, W) int64 index of the event at each position, T as padding; W is the longest row
    last  : (B,) int64 index of the newest event of each row
    time  : (T,) float64 seconds, or None
    kind  : (T,) int64
    asked_at : (B,) float64 seconds, time of the query; None: the time of the newest event
    user_features : (B, P) float32 user attributes; None without
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
        """A copy on another device."""
        parts = {name: part for name, part in self._asdict().items() if part is not None}
        return self._replace(**{name: part.to(device, non_blocking=True) for name, part in parts.items()})

    def gaps(self) -> Tensor | None:
        """(T,) float64 seconds since the event before, 0 for the first of a row; None without times."""
        if self.time is None:
            return None
        return torch.where(self.position > 0, self.time - self.time.roll(1), 0.0)

    def next_time(self) -> Tensor | None:
        """(T,) float64 seconds, time of the following event, `asked_at` after the newest; None without times."""
        if self.time is None:
            return None
        asked_at = self.time[self.last] if self.asked_at is None else self.asked_at
        return self.time.roll(-1).index_copy(0, self.last, asked_at)

    def pad(self, flat: Tensor) -> Tensor:
        """(T,) or (T, D) to (B, W) or (B, W, D), padded with zeros."""
        longer = torch.cat([flat, flat.new_zeros(1, *flat.shape[1:])])
        return longer[self.grid] if flat.ndim == 1 else gather_rows(longer, self.grid)

    def unpad(self, padded: Tensor) -> Tensor:
        """(B, W, D) back to (T, D)."""
        return gather_rows(padded.flatten(0, 1), self.row * self.grid.shape[1] + self.position)

    def pieces(self) -> tuple[list[Tensor], Tensor]:
        """The grid split by row length, so that short rows are not padded to the longest one.

        returns : grids (b, w), and (T,) the index of each event among the cells of all grids, flattened and
                  concatenated. On an accelerator one grid: waiting for the lengths costs more than the padding.
        """
        W = self.grid.shape[1]
        if PADDING_WIDTHS[0] >= W or len(self.grid) == 1 or self.grid.device.type != "cpu":
            return [self.grid], self.row * W + self.position
        lengths = self.position[self.last] + 1
        grids, first, start, low = [], torch.empty_like(self.last), 0, 0
        for high in [high for high in PADDING_WIDTHS if high < W] + [W]:
            rows = torch.nonzero((lengths > low) & (lengths <= high))[:, 0]
            if len(rows):
                grids.append(self.grid[rows, :high])
                first[rows] = start + high * torch.arange(len(rows))
                start += high * len(rows)
            low = high
        return grids, first[self.row] + self.position


def time_bucket(seconds: Tensor) -> Tensor:
    """Bucket 0 … TIME_BUCKETS − 1 of time differences in seconds, logarithmic; below one second bucket 0."""
    return (seconds.clamp(min=1).log() / _RATIO).long().clamp(max=TIME_BUCKETS - 1)


def nearest_trained(rows: Tensor) -> Tensor:
    """Time bucket embeddings with untrained (all-zero) ones replaced by the nearest trained one, the shorter on a tie.

    rows : (TIME_BUCKETS, ...) initialised to zero, where weight decay and steps without a gradient leave them
    """
    trained = rows.reshape(TIME_BUCKETS, -1).any(1).nonzero()[:, 0]
    if not len(trained):
        return rows
    distance = (torch.arange(TIME_BUCKETS, device=rows.device)[:, None] - trained).abs()
    return rows[trained[distance.argmin(1)]]


def batch_of(
    items: Tensor,
    lengths: Tensor,
    time: Tensor | None = None,
    kind: Tensor | None = None,
    asked_at: Tensor | None = None,
) -> Batch:
    """The batch of items (T,) int64 in rows of lengths (B,) ≥ 1, which sum to T; other arguments as in `Batch`."""
    kind = torch.zeros_like(items) if kind is None else kind
    if len(lengths) == 1:  # a single online query: saves a tenth of a millisecond
        position = torch.arange(len(items))
        return Batch(items, torch.zeros_like(position), position, position[None], position[-1:], time, kind, asked_at)
    offsets = torch.cumsum(lengths, 0) - lengths
    row = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    position = torch.arange(len(items)) - offsets[row]
    steps = torch.arange(int(lengths.max()) if len(lengths) else 0)
    grid = torch.where(steps < lengths[:, None], offsets[:, None] + steps, len(items))
    return Batch(items, row, position, grid, offsets + lengths - 1, time, kind, asked_at)
