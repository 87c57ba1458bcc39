"""Histories as training batches: next-event prediction, masked events, sampled negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from foretaste.nn.ragged import Batch, batch_of
from foretaste.training.augment import augmented, masked, substituted
from foretaste.training.config import AugmentConfig
from foretaste.types import History

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.types import FloatArray, IntArray, LongArray


NO_AUGMENTATION = AugmentConfig()


class TrainingBatch(NamedTuple):
    """One batch: the states of the events at `where` should predict `targets`, both (M,) int64.

    inputs    : the events that the network reads
    negatives : (K,) codes of sampled items, shared by all targets; empty where the loss needs none
    """

    inputs: Batch
    where: Tensor
    targets: Tensor
    negatives: Tensor = torch.empty(0, dtype=torch.int64)

    def to(self, device: torch.device) -> TrainingBatch:
        """A copy on another device."""
        parts = (self.where, self.targets, self.negatives)
        return TrainingBatch(self.inputs.to(device), *(part.to(device, non_blocking=True) for part in parts))


class BatchSource(Protocol):
    """What the training loop draws from."""

    def epoch(self, batch_events: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
        """One pass over the data in batches of about `batch_events` events, in an order drawn by `rng`."""
        ...

    def steps(self, batch_events: int) -> int:
        """Batches per epoch."""
        ...


def positive_events(history: History, kind_weight: np.ndarray) -> History:
    """Only events of kinds with positive weight: a dislike is not a target.

    kind_weight : (n_kinds,), weight of each event kind
    """
    return history.where(kind_weight[history.kind] > 0)


def as_batch(history: History, asked_at: LongArray | None = None) -> Batch:
    """The batch of a history whose rows all have events; asked_at (B,) µs, time of the query."""
    time = None if history.time is None else torch.from_numpy((history.time / 1e6).astype(np.float64))
    asked_at_seconds = (
        None if asked_at is None or time is None else torch.from_numpy((asked_at / 1e6).astype(np.float64))
    )
    return batch_of(
        torch.from_numpy(history.items.astype(np.int64)),
        torch.from_numpy(history.lengths),
        time,
        torch.from_numpy(history.kind.astype(np.int64)),
        asked_at_seconds,
    )


@dataclass(frozen=True, eq=False)
class UserFeatures:
    """User attributes of each row.

    vectors : (n_rows, P) float32
    forget  : probability that a row is trained on without attributes, because many users will have none
    """

    vectors: FloatArray
    forget: float = 0.0

    def of(self, rows: LongArray, rng: np.random.Generator) -> Tensor:
        """(B, P) float32 of these rows (B,), zeroed for the rows that are drawn without attributes."""
        kept = rng.random(len(rows)) >= self.forget
        return torch.from_numpy(self.vectors[rows] * kept[:, None].astype(np.float32))


@dataclass(frozen=True, eq=False)
class NextEventBatches:
    """Next-event prediction: every event is a target given those before it (causal models).

    history    : the training rows
    max_length : inputs per row; of longer rows the newest, or with `windows` a random window per epoch
    augment    : sequence augmentation
    user_features : user attributes of each row; None without
    similar    : (n_items, S) most similar items, −1 as padding, from which `augment.substitute` draws
    mask       : the code that replaces an item masked by `augment.mask`
    """

    history: History
    max_length: int
    windows: bool = False
    augment: AugmentConfig = NO_AUGMENTATION
    user_features: UserFeatures | None = None
    similar: IntArray | None = None
    mask: int | None = None

    def epoch(self, batch_events: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
        for chosen in row_batches(self.history, self.max_length, batch_events, rng):
            window = augmented(self._window(chosen, rng), self.augment, rng)
            offsets = window.offsets
            is_last = np.zeros(len(window.items), bool)
            is_last[offsets[1:] - 1] = True
            is_first = np.zeros(len(window.items), bool)
            is_first[offsets[:-1]] = True
            read = substituted(window, self.augment.substitute, self.similar, rng)
            read = masked(read, self.augment.mask, self.mask, rng).where(~is_last)
            inputs = as_batch(read, None if window.time is None else window.time[is_last])
            targets = torch.from_numpy(window.items[~is_first].astype(np.int64))
            if self.user_features is not None:
                inputs = inputs._replace(user_features=self.user_features.of(chosen, rng))
            yield TrainingBatch(inputs, torch.arange(len(targets)), targets)

    def steps(self, batch_events: int) -> int:
        return sum(1 for _ in row_batches(self.history, self.max_length, batch_events))

    def _window(self, rows: LongArray, rng: np.random.Generator) -> History:
        history, length = self.history, self.max_length + 1
        lengths = history.lengths[rows]
        taken = np.minimum(lengths, length)
        ends = history.offsets[rows + 1]
        if self.windows:
            ends = ends - rng.integers(0, lengths - taken + 1)
        return row_slices(history, ends - taken, taken)


@dataclass(frozen=True, eq=False)
class MaskedEventBatches:
    """Masked-event prediction given the context on both sides (BERT4Rec; Sun et al., CIKM 2019).

    mask    : the code of the mask token
    share   : of the events of a row that are masked
    user_features : user attributes of each row; None without
    similar : as in NextEventBatches
    """

    history: History
    max_length: int
    mask: int
    share: float
    augment: AugmentConfig = NO_AUGMENTATION
    user_features: UserFeatures | None = None
    similar: IntArray | None = None

    def epoch(self, batch_events: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
        for chosen in row_batches(self.history, self.max_length, batch_events, rng):
            taken = np.minimum(self.history.lengths[chosen], self.max_length)
            window = row_slices(self.history, self.history.offsets[chosen + 1] - taken, taken)
            window = augmented(window, self.augment, rng)
            hidden = rng.random(len(window.items)) < self.share
            # In half the rows only the newest event is masked, as at inference.
            only_last = rng.random(len(chosen)) < 0.5
            hidden &= ~only_last[window.row_of_event()]
            hidden[(window.offsets[1:] - 1)[only_last]] = True
            if not hidden.any():
                hidden[-1] = True
            inputs = as_batch(substituted(window, self.augment.substitute, self.similar, rng))
            if self.user_features is not None:
                inputs = inputs._replace(user_features=self.user_features.of(chosen, rng))
            where = torch.from_numpy(np.flatnonzero(hidden))
            targets = torch.from_numpy(window.items[hidden].astype(np.int64))
            yield TrainingBatch(inputs._replace(items=inputs.items.index_fill(0, where, self.mask)), where, targets)

    def steps(self, batch_events: int) -> int:
        return sum(1 for _ in row_batches(self.history, self.max_length, batch_events))


@dataclass(frozen=True, eq=False)
class WithNegatives:
    """Adds K = `count` negatives to each batch, drawn uniformly or with probabilities `shares` (n_items,)."""

    batches: BatchSource
    n_items: int
    count: int
    shares: np.ndarray | None = None

    def epoch(self, batch_events: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
        ends = None if self.shares is None else np.cumsum(self.shares)
        for batch in self.batches.epoch(batch_events, rng):
            if ends is None:
                drawn = rng.integers(0, self.n_items, self.count)
            else:
                drawn = np.minimum(np.searchsorted(ends, rng.random(self.count)), self.n_items - 1)
            yield batch._replace(negatives=torch.from_numpy(drawn))

    def steps(self, batch_events: int) -> int:
        return self.batches.steps(batch_events)


def row_batches(
    history: History, max_length: int, batch_events: int, rng: np.random.Generator | None = None
) -> Iterator[LongArray]:
    """Codes (b,) of rows with two events or more, batched to about `batch_events` events, shuffled by rng."""
    rows = np.flatnonzero(history.lengths >= 2)
    if not len(rows):
        return
    events = np.minimum(history.lengths[rows] - 1, max_length).mean()
    size = max(1, round(batch_events / events))
    rows = rows if rng is None else rng.permutation(rows)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def every_nth_row(batch: TrainingBatch, first: int, step: int) -> TrainingBatch:
    """The rows first, first + step, … of a batch with their targets, possibly none."""
    inputs = batch.inputs
    keep = inputs.row % step == first
    lengths = torch.bincount(inputs.row, minlength=len(inputs.last))[first::step]
    position = torch.cumsum(keep, 0) - 1
    own = keep[batch.where]
    time = None if inputs.time is None else inputs.time[keep]
    moment = None if inputs.asked_at is None else inputs.asked_at[first::step]
    part = batch_of(inputs.items[keep], lengths, time, inputs.kind[keep], moment)
    if inputs.user_features is not None:
        part = part._replace(user_features=inputs.user_features[first::step])
    return TrainingBatch(part, position[batch.where[own]], batch.targets[own], batch.negatives)


def row_slices(history: History, starts: LongArray, lengths: LongArray) -> History:
    """The history whose row b is the `lengths[b]` events from event `starts[b]` on; both (B,)."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    events = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths) + np.repeat(starts, lengths)
    time = None if history.time is None else history.time[events]
    return History(history.items[events], offsets, time, history.kind[events], history.value[events])
