"""Data types shared by all of foretaste: batches of queries in, candidates out.

Letters for shapes: B queries, K items per query, S sources, L events, D width of a vector.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import perf_counter
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
    shown    : B rows of items each user was shown since they last interacted with them; None where unknown
    disliked : B rows of items each user wants less of, the latest last; None where unknown
    searches : B tuples of recent search queries, newest last
    text     : B search texts of the requests themselves
    columns  : named (B,) arrays of user and context attributes: country, device, hour
    deadline_seconds : time budget; parts that would exceed it are skipped and the answer is marked degraded
    """

    user: IntArray
    history: History
    asked_at: LongArray | None = None
    shown: History | None = None
    disliked: Ragged | None = None
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
            shown=None if self.shown is None else self.shown.take(chosen),
            disliked=None if self.disliked is None else self.disliked.take(chosen),
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
    ranks    : (B, K, S) int32, each source's rank of the item from 1, 0 where it did not rank it
    sources  : S names
    columns  : further named arrays (B, K) or (B, K, ...): features, propensities, pins; blank at padding
    """

    items: IntArray
    scores: FloatArray
    found_by: FloatArray
    ranks: IntArray
    sources: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of_one_source(cls, items: IntArray, scores: FloatArray, source: str) -> Candidates:
        """What one source retrieved, in the order in which it did."""
        places = np.arange(1, items.shape[1] + 1, dtype=np.int32)
        ranks = np.where(items == NO_ITEM, np.int32(0), places)
        return cls(items, scores, scores[:, :, None], ranks[:, :, None], (source,))

    def __len__(self) -> int:
        return len(self.items)

    def head(self, k: int) -> Candidates:
        """The first k of each list."""
        return self._each(lambda array: array[:, :k])

    def reorder(self, order: NDArray[np.intp]) -> Candidates:
        """The same items with column order[b, j] of row b moved to column j; order may name fewer than K."""
        rows = np.arange(len(self))[:, None]
        return self._each(lambda array: array[rows, order])

    def keep(self, mask: BoolArray) -> Candidates:
        """Only the items for which mask (B, K) is true, moved left; their order stays, and what is gone is blank."""
        mask = mask & (self.items != NO_ITEM)
        kept = self.reorder(np.argsort(~mask, axis=1, kind="stable"))
        gone = np.arange(self.items.shape[1]) >= mask.sum(axis=1)[:, None]
        return kept.blanked(gone) if gone.any() else kept

    def blanked(self, gone: BoolArray) -> Candidates:
        """The same with padding where gone (B, K) is true."""

        def each(array: NDArray[Any]) -> NDArray[Any]:
            where = gone.reshape(gone.shape + (1,) * (array.ndim - 2))
            return np.where(where, blank_of(array.dtype), array)

        blank = self._each(each)
        where = gone[:, :, None]
        return replace(blank, ranks=np.where(where, np.int32(0), self.ranks))

    def append(self, other: Candidates) -> Candidates:
        """The items of `other` behind those of each list, whatever they are; gaps in between are closed.

        Sources of one name are one source; a column that only one of the two has is blank for the other's items.
        """
        both = self.beside(other)
        return both.keep(both.items != NO_ITEM)

    def beside(self, other: Candidates) -> Candidates:
        """The columns of `other` behind one's own, as they are: whoever calls orders them, for padding stands between.

        Sources of one name are one source; a column that only one of the two has is blank for the other's items.
        """
        sources = (*self.sources, *(name for name in other.sources if name not in self.sources))
        parts = (self, other)

        def of_sources(name: str, blank: Any) -> NDArray[Any]:
            both = []
            for part in parts:
                array = getattr(part, name)
                wide = np.full((*array.shape[:2], len(sources)), blank, array.dtype)
                wide[:, :, [sources.index(source) for source in part.sources]] = array
                both.append(wide)
            return np.concatenate(both, axis=1)

        def of_columns(name: str) -> NDArray[Any]:
            like = next(part.columns[name] for part in parts if name in part.columns)
            both = [
                part.columns[name]
                if name in part.columns
                else np.full((*part.items.shape, *like.shape[2:]), blank_of(like.dtype), like.dtype)
                for part in parts
            ]
            return np.concatenate(both, axis=1)

        return Candidates(
            np.concatenate([part.items for part in parts], axis=1),
            np.concatenate([part.scores for part in parts], axis=1),
            of_sources("found_by", np.nan),
            of_sources("ranks", 0),
            sources,
            {name: of_columns(name) for name in dict.fromkeys([*self.columns, *other.columns])},
        )

    def with_scores(self, scores: FloatArray) -> Candidates:
        """The same items with new scores (B, K), sorted by them; ties keep their order, nan and padding come last."""
        scores = np.where(self.items == NO_ITEM, np.float32(np.nan), scores.astype(np.float32))
        # The second key puts padding behind what nobody could judge.
        order = np.lexsort((self.items == NO_ITEM, np.where(np.isnan(scores), np.inf, -scores)), axis=1)
        return replace(self, scores=scores).reorder(order)

    def _each(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Candidates:
        """Every array changed alike."""
        return replace(
            self,
            items=change(self.items),
            scores=change(self.scores),
            found_by=change(self.found_by),
            ranks=change(self.ranks),
            columns={name: change(column) for name, column in self.columns.items()},
        )


def blank_of(dtype: np.dtype[Any]) -> Any:
    """What stands where there is no item: nan, NO_ITEM, False, an empty text, or None."""
    if dtype.kind == "f":
        return dtype.type(np.nan)
    if dtype.kind == "i":
        return dtype.type(NO_ITEM)
    if dtype.kind in "ub":
        return dtype.type(0)
    return "" if dtype.kind == "U" else None


@dataclass(frozen=True, eq=False)
class StageContext:
    """What a stage of a pipeline may use beside queries and candidates.

    n        : items of the list that is wanted in the end
    exclude  : B rows of items that must not be offered; whatever a stage does, they are masked after the last one
    allowed  : (n_items,) the only items that may be offered; None allows all. Masked likewise
    now      : (B,) int64 µs since 1970 UTC, when each question was asked; nothing later may be used. None where the
               data has only an order
    deadline : value of time.perf_counter at which the answer is due; None gives any time
    similar  : item code to the (≤ 20,) most similar items, best first, by the recalls of the pipeline
    kind_weight : (n_kinds,) float32, sign · weight of each kind of event; None takes all alike
    score_new : queries and (B, K) new items to (B, K) scores by a recall that has read them, nan where none has
    """

    n: int
    exclude: Ragged
    allowed: BoolArray | None
    now: LongArray | None
    deadline: float | None
    similar: Callable[[int], IntArray]
    kind_weight: FloatArray | None = None
    score_new: Callable[[Queries, IntArray], FloatArray] | None = None

    @property
    def seconds_left(self) -> float | None:
        """Until the answer is due, 0 where it is overdue; None where there is no deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - perf_counter())


@dataclass(frozen=True, eq=False)
class RankingRows:
    """What a ranker learns from: the candidates of many queries, and which of them the users went on to take.

    queries    : B queries, as of before the answers
    candidates : (B, K) what the recalls retrieved for them, having learned from nothing later
    labels     : (B, K) float32, what each candidate turned out to be worth; 0 where it was not taken, and at padding
    """

    queries: Queries
    candidates: Candidates
    labels: FloatArray


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
