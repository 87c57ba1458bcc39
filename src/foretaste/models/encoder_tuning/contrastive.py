"""Contrastive learning from histories: batches with in-batch negatives, and the loss with logQ correction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from foretaste.training.batches import row_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.models.encoder_tuning.config import ContrastiveConfig
    from foretaste.types import FloatArray, History, LongArray

SIMILAR_USER_POOL = 2_048
"""Users drawn at random, among whom the most similar ones are searched for a batch of hard negatives."""


class ContrastiveBatch(NamedTuple):
    """A batch of B histories with T events of N distinct items and P positive pairs.

    items      : (N,) int64 codes of the distinct items, each encoded once
    item_index : (T,) int64, for each event the position of its item in `items`
    row        : (T,) int64 in [0, B), the history of each event
    anchors    : (P,) int64 positions of events that are followed by a different item; the positive is the next event
    targets    : (P,) int64, `item_index` of the positives
    """

    items: LongArray
    item_index: Tensor
    row: Tensor
    anchors: Tensor
    targets: Tensor


class ContrastiveBatches:
    """Batches of histories: each distinct item is encoded once, and all other items of the batch are negatives."""

    def __init__(self, history: History, config: ContrastiveConfig, vectors: FloatArray | None = None) -> None:
        """
        history : positive events; rows with fewer than 2 events are skipped
        vectors : (n_items, D) item vectors for user similarity; needed where `look_alikes` > 0
        """
        self.history, self.config = history, config
        self.rows = np.flatnonzero(history.lengths >= 2)
        self._per_event = np.minimum(history.lengths[self.rows], config.max_length).mean() if len(self.rows) else 1.0
        self._user_vectors = None
        if config.look_alikes and vectors is not None:
            sums = np.add.reduceat(vectors[history.items], history.offsets[:-1][self.rows], axis=0)
            self._user_vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)

    def steps(self, batch_events: int) -> int:
        return self.config.batches if len(self.rows) else 0

    def epoch(self, batch_events: int, rng: np.random.Generator) -> Iterator[ContrastiveBatch]:
        size = max(2, round(batch_events / self._per_event))
        for _ in range(self.steps(batch_events)):
            yield self._batch(self._drawn(min(size, len(self.rows)), rng), rng)

    def _drawn(self, size: int, rng: np.random.Generator) -> LongArray:
        """(size,) positions in `rows`: drawn uniformly, or the users most similar to one drawn user."""
        if self._user_vectors is None or rng.random() >= self.config.look_alikes:
            return rng.choice(len(self.rows), size, replace=False)
        pool = rng.choice(len(self.rows), min(max(SIMILAR_USER_POOL, size), len(self.rows)), replace=False)
        near = self._user_vectors[pool] @ self._user_vectors[pool[0]]
        nearest: LongArray = pool[np.argsort(-near, kind="stable")[:size]]
        return nearest

    def _batch(self, drawn: LongArray, rng: np.random.Generator) -> ContrastiveBatch:
        rows = self.rows[drawn]
        lengths = self.history.lengths[rows]
        window_lengths = np.minimum(lengths, self.config.max_length)
        starts = self.history.offsets[rows] + rng.integers(0, lengths - window_lengths + 1)
        window = row_slices(self.history, starts, window_lengths)
        items, index = np.unique(window.items, return_inverse=True)
        is_last = np.zeros(len(window.items), bool)
        is_last[window.offsets[1:] - 1] = True
        repeated = np.append(window.items[1:] == window.items[:-1], False)  # an item is no positive for itself
        anchors = torch.from_numpy(np.flatnonzero(~is_last & ~repeated))
        item_index = torch.from_numpy(index.astype(np.int64))
        row = torch.from_numpy(window.row_of_event().astype(np.int64))
        return ContrastiveBatch(items.astype(np.int64), item_index, row, anchors, item_index[anchors + 1])


def contrastive_loss(vectors: Tensor, batch: ContrastiveBatch, log_q: Tensor, config: ContrastiveConfig) -> Tensor:
    """InfoNCE with logQ correction: mean of −log exp(a·v⁺/τ − log q⁺) / Σ_j exp(a·v_j/τ − log q_j) over the batch.

    With anchor "item" the pair counts in both directions; with anchor "history", a is the recency-weighted sum of the
    history up to the event, scaled to length 1. Other items of the same history are not used as negatives.
    Source: van den Oord et al. 2018, eq. 4; logQ correction: Yi et al., RecSys 2019.

    vectors : (N, D) of `batch.items`, rows of length 1
    log_q   : (n_items,) `log_item_shares`
    returns : scalar
    """
    q = log_q[torch.from_numpy(batch.items)]
    own_items = torch.zeros(int(batch.row.max()) + 1, len(vectors), dtype=torch.bool)
    own_items[batch.row, batch.item_index] = True
    of_events = vectors[batch.item_index]
    if config.anchor == "item":
        anchors = torch.cat([of_events[batch.anchors], of_events[batch.anchors + 1]])
        targets = torch.cat([batch.targets, batch.item_index[batch.anchors]])
        rows = batch.row[batch.anchors].repeat(2)
    else:
        anchors = F.normalize(decayed_prefix_sums(of_events, batch.row, config.half_life_events), dim=1)[batch.anchors]
        targets, rows = batch.targets, batch.row[batch.anchors]
    masked = own_items[rows]
    masked[torch.arange(len(targets)), targets] = False
    scores = (anchors @ vectors.T / config.temperature - q).masked_fill(masked, -torch.inf)
    return F.cross_entropy(scores, targets)


def log_item_shares(history: History, n_items: int) -> Tensor:
    """(n_items,) float32: log of each item's share of all events; an item without events counts as having one."""
    count = np.bincount(history.items, minlength=n_items)
    return torch.from_numpy(np.log(np.maximum(count, 1) / len(history.items)).astype(np.float32))


def decayed_prefix_sums(of_events: Tensor, row: Tensor, half_life_events: float) -> Tensor:
    """(T, D): for each event, the sum of the vectors of its history up to it, with weights 2^(−age / half-life).

    of_events : (T, D)
    row       : (T,) the history of each event; events of one history are adjacent, oldest first
    """
    position = torch.arange(len(row))
    age = position[:, None] - position
    weight = torch.exp2(-age.clamp(min=0) / half_life_events) * ((row[:, None] == row) & (age >= 0))
    return weight.to(of_events.dtype) @ of_events
