"""Incremental inference for one user: a new event costs the processing of that event, not of the whole history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from foretaste.errors import DataError
from foretaste.index.input_checks import check_queries
from foretaste.index.topk import recommend_in_blocks, set_nan
from foretaste.nn.sequence_cache import SequenceCache
from foretaste.training.batches import positive_events
from foretaste.types import NO_USER, History, Queries

if TYPE_CHECKING:
    from foretaste.models.sequence.trained_network import TrainedNetwork
    from foretaste.types import BoolArray, Candidates, FloatArray, Ragged


@dataclass(frozen=True, eq=False)
class Session:
    """One history that was read, with the networks' caches. Immutable: `then` returns the next session.

    The lists are always those of the whole history, queried right after its newest event, up to rounding. A causal
    network continues from its cache (keys and values of each block; the hidden state of a GRU) while the history fits
    into `max_length`. Beyond that the oldest event drops out and every other moves by one learned position, which
    invalidates the cache: the newest `max_length` events are then read again, as always for a bidirectional network.

    history : one row, the positive events that were read, at most `max_length`
    state   : (1, M · width) float32 state of the user; (0, M · width) before any positive event
    memory  : the caches of the M networks; empty where they cannot be continued
    """

    trained: TrainedNetwork
    history: History
    state: FloatArray
    memory: tuple[SequenceCache, ...] = ()

    @classmethod
    def begin(cls, trained: TrainedNetwork, history: History) -> Session:
        """Read a history of one row, which may be empty. DataError for more rows, or items outside the catalogue."""
        _check_row(history, len(trained.vectors))
        read = positive_events(history, trained.kind_weight).newest(trained.max_events)
        if trained.bidirectional:
            return cls(trained, read, trained.states(_question(read))[0])
        nothing = np.zeros((0, trained.vectors.shape[1]), np.float32)
        empty = cls(trained, read, nothing, (SequenceCache(),) * len(trained.modules))
        return empty._extended(read, read) if len(read.items) else empty

    def then(self, events: History) -> Session:
        """The session after more events (one row, oldest first) of any kinds. DataError as in `begin`."""
        _check_row(events, len(self.trained.vectors))
        new = positive_events(events, self.trained.kind_weight)
        if not len(new.items):
            return self
        longer = _joined(self.history, new)
        # A row of events has times for all or for none; where that changes, the cache is invalid.
        timed = self.memory and self.memory[0].length and self.memory[0].time is not None
        if not self.memory or len(longer.items) > self.trained.max_events or (timed and longer.time is None):
            return Session.begin(self.trained, longer)
        return self._extended(longer, new if longer.time is not None else _timeless(new))

    def recommend(self, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None) -> Candidates:
        """(1, k) Candidates, as `recommend` of the model returns for one query with this history."""
        trained, n = self.trained, len(self.trained.vectors)
        question = _question(self.history)
        return recommend_in_blocks(self._scores, question, k, n, trained.name, exclude=exclude, allowed=allowed)

    def _scores(self, question: Queries) -> FloatArray:
        """(1, n_items); nan before any positive event, and for items that are not scorable."""
        if not len(self.state):
            return np.full((1, len(self.trained.vectors)), np.nan, np.float32)
        scores: FloatArray = self.state @ self.trained.vectors.T
        set_nan(scores, ~self.trained.scorable)
        return scores

    def _extended(self, longer: History, new: History) -> Session:
        items, kind = torch.from_numpy(new.items.astype(np.int64)), torch.from_numpy(new.kind.astype(np.int64))
        time = None if new.time is None else torch.from_numpy(new.time / 1e6)
        states, memories = [], []
        with torch.inference_mode():
            for module, table, memory in zip(self.trained.modules, self.trained.tables, self.memory, strict=True):
                new_states, new_memory = module.extend(table, items, kind, time, memory)
                states.append(new_states[-1:].float().numpy())
                memories.append(new_memory)
        state = states[0] if len(states) == 1 else np.hstack(states)
        return Session(self.trained, longer, state, tuple(memories))


def _check_row(history: History, n_items: int) -> None:
    """DataError for more than one row, or items outside the catalogue."""
    if len(history) != 1:
        raise DataError(f"A session follows one person, and this history has {len(history)} rows.")
    check_queries(_question(history), n_items)


def _question(history: History) -> Queries:
    return Queries(np.full(1, NO_USER, np.int32), history)


def _timeless(history: History) -> History:
    return History(history.items, history.offsets, None, history.kind, history.value)


def _joined(before: History, after: History) -> History:
    """One row of both, one after the other; without times where either has none."""
    if not len(before.items):
        return after
    items = np.concatenate([before.items, after.items])
    time = None if before.time is None or after.time is None else np.concatenate([before.time, after.time])
    kind, value = np.concatenate([before.kind, after.kind]), np.concatenate([before.value, after.value])
    return History(items, np.array([0, len(items)]), time, kind, value)
