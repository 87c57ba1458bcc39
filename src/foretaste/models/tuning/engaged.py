"""What people took one after the other, as batches that read each text once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from foretaste.training.batches import row_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.models.tuning.config import ContrastConfig
    from foretaste.types import FloatArray, History, LongArray

AMONG = 2_048
"""People drawn, among whom those most alike are looked for."""


class Engaged(NamedTuple):
    """A batch of histories.

    items   : (N,) their different items
    place   : (T,) of each event, the place of its item in `items`
    row     : (T,) the history of each event
    before  : (P,) events that something followed; what followed is the event behind each
    targets : (P,) as `place` of what followed
    """

    items: LongArray
    place: Tensor
    row: Tensor
    before: Tensor
    targets: Tensor


class Together:
    """Batches of whole histories: every item in one is read once, and stands against all others of the batch."""

    def __init__(self, history: History, config: ContrastConfig, vectors: FloatArray | None = None) -> None:
        """history : what people wanted; rows of one event teach nothing
        vectors : (n_items, D) by which people are alike; needed where `look_alikes` is asked for
        """
        self.history, self.config = history, config
        self.rows = np.flatnonzero(history.lengths >= 2)
        self._per_event = np.minimum(history.lengths[self.rows], config.max_length).mean() if len(self.rows) else 1.0
        self._people = None
        if config.look_alikes and vectors is not None:
            sums = np.add.reduceat(vectors[history.items], history.offsets[:-1][self.rows], axis=0)
            self._people = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)

    def steps(self, batch_events: int) -> int:
        return self.config.batches if len(self.rows) else 0

    def epoch(self, batch_events: int, rng: np.random.Generator) -> Iterator[Engaged]:
        size = max(2, round(batch_events / self._per_event))
        for _ in range(self.steps(batch_events)):
            yield self._batch(self._drawn(min(size, len(self.rows)), rng), rng)

    def _drawn(self, size: int, rng: np.random.Generator) -> LongArray:
        """Positions of histories among `rows`, or those most alike to one of them."""
        if self._people is None or rng.random() >= self.config.look_alikes:
            return rng.choice(len(self.rows), size, replace=False)
        among = rng.choice(len(self.rows), min(max(AMONG, size), len(self.rows)), replace=False)
        near = self._people[among] @ self._people[among[0]]
        found: LongArray = among[np.argsort(-near, kind="stable")[:size]]
        return found

    def _batch(self, drawn: LongArray, rng: np.random.Generator) -> Engaged:
        rows = self.rows[drawn]
        lengths = self.history.lengths[rows]
        taken = np.minimum(lengths, self.config.max_length)
        starts = self.history.offsets[rows] + rng.integers(0, lengths - taken + 1)
        window = row_slices(self.history, starts, taken)
        items, place = np.unique(window.items, return_inverse=True)
        is_last = np.zeros(len(window.items), bool)
        is_last[window.offsets[1:] - 1] = True
        again = np.append(window.items[1:] == window.items[:-1], False)  # the same thing twice teaches nothing
        before = np.flatnonzero(~is_last & ~again)
        places = torch.from_numpy(place.astype(np.int64))
        at = torch.from_numpy(before)
        row = torch.from_numpy(window.row_of_event().astype(np.int64))
        return Engaged(items.astype(np.int64), places, row, at, places[at + 1])


def contrastive(vectors: Tensor, lesson: Engaged, log_q: Tensor, config: ContrastConfig) -> Tensor:
    """−log exp(a·v⁺/τ − log q⁺) / Σ_j exp(a·v_j/τ − log q_j) over the items of the batch.

    An anchor a is the event before, and with anchor "item" also the one behind, or the faded history up to it. What
    the same person took otherwise is no negative (van den Oord et al. 2018; logQ: Yi et al., RecSys 2019).

    vectors : (N, D) of lesson.items, length 1
    log_q   : (n_items,) log of how often an item is in a batch
    """
    q = log_q[torch.from_numpy(lesson.items)]
    mine = torch.zeros(int(lesson.row.max()) + 1, len(vectors), dtype=torch.bool)
    mine[lesson.row, lesson.place] = True
    of_events = vectors[lesson.place]
    if config.anchor == "item":
        anchors = torch.cat([of_events[lesson.before], of_events[lesson.before + 1]])
        targets = torch.cat([lesson.targets, lesson.place[lesson.before]])
        rows = lesson.row[lesson.before].repeat(2)
    else:
        anchors = F.normalize(faded(of_events, lesson.row, config.half_life_events), dim=1)[lesson.before]
        targets, rows = lesson.targets, lesson.row[lesson.before]
    out = mine[rows]
    out[torch.arange(len(targets)), targets] = False
    scores = (anchors @ vectors.T / config.temperature - q).masked_fill(out, -torch.inf)
    return F.cross_entropy(scores, targets)


def faded(of_events: Tensor, row: Tensor, half_life_events: float) -> Tensor:
    """(T, D) for each event the sum of its history up to it, each event halved with every so many newer ones."""
    place = torch.arange(len(row))
    age = place[:, None] - place
    weight = torch.exp2(-age.clamp(min=0) / half_life_events) * ((row[:, None] == row) & (age >= 0))
    return weight.to(of_events.dtype) @ of_events
