"""Data types shared by all of foretaste: batches of queries in, candidates out.

Letters for shapes: B queries, K items per query, S sources, L events, D width of a vector.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

IntArray = NDArray[np.int32]
LongArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

NO_ITEM = -1
"""Padding in arrays of item codes."""
NO_USER = -1
"""User code of a guest: a person who is not in the data set."""


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of different lengths in two flat arrays: row b is items[offsets[b]:offsets[b + 1]].

    items   : (L,) int32 item codes
    offsets : (B + 1,) int64, rising from 0 to L
    """

    items: IntArray
    offsets: LongArray

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int] | IntArray]) -> Ragged:
        """From B rows of item codes."""
        return Ragged(
            np.concatenate([np.asarray(row, np.int32) for row in rows]) if rows else np.empty(0, np.int32),
            np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> LongArray:
        """(B,) events per row."""
        return np.diff(self.offsets)

    def row(self, b: int) -> IntArray:
        """Items of row b, a view."""
        return self.items[self.offsets[b] : self.offsets[b + 1]]

    def row_of_event(self) -> IntArray:
        """(L,) the row each event belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def events_of(self, rows: LongArray | IntArray) -> tuple[LongArray, LongArray]:
        """Indices of the events of chosen rows in the flat arrays, and the offsets of the new rows."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return np.repeat(self.offsets[rows], lengths) + within, offsets

    def take(self, rows: LongArray | IntArray) -> Ragged:
        """The chosen rows, in that order."""
        events, offsets = self.events_of(rows)
        return Ragged(self.items[events], offsets)

    def where(self, keep: BoolArray) -> Ragged:
        """Only the events for which keep (L,) is true; rows may become empty."""
        return Ragged(self.items[keep], kept_offsets(self.offsets, keep))


@dataclass(frozen=True, eq=False)
class History(Ragged):
    """Events of each user of a batch, oldest first.

    time  : (L,) int64 µs since 1970 UTC, or None where the data has only an order
    kind  : (L,) uint8, code of the event kind
    value : (L,) float32, strength of the event: a rating, a share watched; 1 by default
    """

    time: LongArray | None
    kind: NDArray[np.uint8]
    value: FloatArray

    @classmethod
    def of_items(cls, rows: Sequence[Sequence[int] | IntArray], kind: int = 0) -> History:
        """Histories without times and values, all of one event kind (see `Kinds.usual`)."""
        flat = Ragged.from_rows(rows)
        n = len(flat.items)
        return cls(flat.items, flat.offsets, None, np.full(n, kind, np.uint8), np.ones(n, np.float32))

    def take(self, rows: LongArray | IntArray) -> History:
        events, offsets = self.events_of(rows)
        return self._events(events, offsets)

    def where(self, keep: BoolArray) -> History:
        return self._events(keep, kept_offsets(self.offsets, keep))

    def newest(self, n: int) -> History:
        """The newest n events of each row."""
        from_end = np.repeat(self.offsets[1:], self.lengths) - 1 - np.arange(len(self.items))
        return self if (from_end < n).all() else self.where(from_end < n)

    def _events(self, chosen: LongArray | BoolArray, offsets: LongArray) -> History:
        time = None if self.time is None else self.time[chosen]
        return History(self.items[chosen], offsets, time, self.kind[chosen], self.value[chosen])


def kept_offsets(offsets: LongArray, keep: BoolArray) -> LongArray:
    """The offsets that remain when only the events with keep (L,) true are kept."""
    return np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)[offsets]


@dataclass(frozen=True, eq=False)
class Queries:
    """A batch of recommendation requests; a single user is a batch of one.

    user     : (B,) int32 user codes, NO_USER for guests. A learned user vector is a cache of the history, never more
    history  : B rows of events
    asked_at : (B,) int64 µs, time of the request; nothing later may be used. None where the data has only an order
    visitor  : B visitor names, None where unknown
    searches : B tuples of recent search queries, newest last
    text     : B search texts of the requests themselves
    columns  : named (B,) arrays of user and context attributes: country, device, hour
    deadline_seconds : time budget; parts that would exceed it are skipped and the answer is marked degraded
    """

    user: IntArray
    history: History
    asked_at: LongArray | None = None
    visitor: tuple[str | None, ...] | None = None
    searches: tuple[tuple[str, ...], ...] | None = None
    text: tuple[str | None, ...] | None = None
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    deadline_seconds: float | None = None

    @classmethod
    def guests(cls, rows: Sequence[Sequence[int] | IntArray], kind: int = 0) -> Queries:
        """Queries of guests with these items as history, all of one event kind (see `Kinds.usual`)."""
        return cls(np.full(len(rows), NO_USER, np.int32), History.of_items(rows, kind))

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: LongArray | IntArray) -> Queries:
        """The chosen queries, in that order."""
        chosen = np.asarray(rows, np.int64)

        def pick(values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
            return None if values is None else tuple(values[i] for i in chosen)

        return Queries(
            user=self.user[chosen],
            history=self.history.take(chosen),
            asked_at=None if self.asked_at is None else self.asked_at[chosen],
            visitor=pick(self.visitor),
            searches=pick(self.searches),
            text=pick(self.text),
            columns={name: column[chosen] for name, column in self.columns.items()},
            deadline_seconds=self.deadline_seconds,
        )


@dataclass(frozen=True, eq=False)
class Candidates:
    """Ranked items for each query, best first.

    items    : (B, K) int32, NO_ITEM pads on the right; a short list stays short
    scores   : (B, K) float32, descending along each row, nan at padding
    found_by : (B, K, S) float32, each source's own score of the item, nan where it did not retrieve it
    sources  : S names
    columns  : further named (B, K) arrays: features, propensities, pins
    """

    items: IntArray
    scores: FloatArray
    found_by: FloatArray
    sources: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of_one_source(cls, items: IntArray, scores: FloatArray, source: str) -> Candidates:
        return cls(items, scores, scores[:, :, None], (source,))

    def __len__(self) -> int:
        return len(self.items)

    def head(self, k: int) -> Candidates:
        return self._columns_at(np.s_[:, :k])

    def keep(self, mask: BoolArray) -> Candidates:
        """Only the items for which mask (B, K) is true, moved left; their order stays."""
        mask = mask & (self.items != NO_ITEM)
        order = np.argsort(~mask, axis=1, kind="stable")
        kept = self.reorder(order)
        gone = np.arange(self.items.shape[1]) >= mask.sum(axis=1)[:, None]
        return replace(
            kept,
            items=np.where(gone, np.int32(NO_ITEM), kept.items),
            scores=np.where(gone, np.float32(np.nan), kept.scores),
            found_by=np.where(gone[:, :, None], np.float32(np.nan), kept.found_by),
        )

    def reorder(self, order: NDArray[np.intp]) -> Candidates:
        """The same items with column order[b, j] of row b moved to column j."""
        return self._columns_at((np.arange(len(self))[:, None], order))

    def _columns_at(self, where: Any) -> Candidates:
        return replace(
            self,
            items=self.items[where],
            scores=self.scores[where],
            found_by=self.found_by[where],
            columns={name: column[where] for name, column in self.columns.items()},
        )


@dataclass(frozen=True)
class Run:
    """How a training is run, as opposed to what is trained: never part of a model's config.

    seed     : determines every random choice
    device   : of networks: cpu, cuda, cuda:1 …, or auto, an accelerator if there is one
    folder   : for checkpoints and learning curves; None for none
    progress : called with (task, done, total); see progress.py
    monitor  : validation score of a partly trained model, for early stopping; set by the evaluator
    """

    seed: int = 0
    device: str = "cpu"
    folder: Path | str | None = None
    progress: Callable[[str, int, int], None] = lambda what, done, total: None
    monitor: Callable[[Any], float] | None = None

    def rng(self) -> np.random.Generator:
        """A new generator from the seed."""
        return np.random.default_rng(self.seed)

    def with_monitor(self, monitor: Callable[[Any], float]) -> Self:
        return replace(self, monitor=monitor)
