"""Questions whose answers are known: what to learn from, what to choose by, what to be judged by.

train       learned from while choosing
validation  questions settings are chosen by
refit       learned from before the test: train and the validation part (variant "refit"; "strict" stays at train)
test        questions nothing was chosen by
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.data.searches import known_until
from foretaste.errors import DataError
from foretaste.types import Queries

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, History, LongArray


@dataclass(frozen=True, eq=False)
class Questions:
    """queries  : what is known of each person at the moment of the question
    relevant : (B, n_items) CSR, 1 for every item the person took next
    repeats  : whether what a person already had counts as an answer, and may be offered again
    hiding   : (n_kinds,) bool, after which kinds of events an item is not offered again; None after all
    """

    queries: Queries
    relevant: csr_array
    repeats: bool = False
    hiding: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.queries)

    def __repr__(self) -> str:
        right, n_items = self.relevant.nnz, self.relevant.shape[1]
        return f"Questions({len(self):,} people, {right:,} right answers among {n_items:,} items)"

    def sample(self, n: int) -> Questions:
        """At most n of the questions. Rows stand in the order of the user codes, which follow a hash: a fair sample."""
        if len(self) <= n:
            return self
        return self.take(np.arange(n))

    def take(self, rows: LongArray) -> Questions:
        return replace(self, queries=self.queries.take(rows), relevant=self.relevant[rows])

    @property
    def excluded(self) -> History | None:
        """What must not be recommended: the consumed items, or nothing where repeats count as answers."""
        return None if self.repeats else self.consumed_items

    @property
    def consumed_items(self) -> History:
        """The histories without events too weak to consume an item, such as the view before a purchase.

        They keep the kinds of `hiding`; all of them where that is None.
        """
        history = self.queries.history
        return history if self.hiding is None else history.where(self.hiding[history.kind])


@dataclass(frozen=True, eq=False)
class Split:
    data: Dataset
    """All of it; where repeats count as answers, no kind of event hides an item, in the parts neither."""
    train: Dataset
    validation: Questions
    refit: Dataset
    test: Questions
    rule: str
    """What was held out, in words: 'the last event of each user'."""
    left_out: int
    """People with events but without a test question: too few events, or nothing new after the cut."""

    def __repr__(self) -> str:
        return (
            f"Split({self.data.name!r}, held out: {self.rule}; train {len(self.train):,} events, validation "
            f"{len(self.validation):,} people, refit {len(self.refit):,} events, test {len(self.test):,} people, "
            f"{self.left_out:,} left out)"
        )


class Holdout(Config):
    """A way of holding out, to be applied to any data: the same for a shuffled copy as for the original."""

    kind: Literal["leave-one-out", "time"] = "leave-one-out"
    n: PositiveInt = 1
    """Events held out per person (leave-one-out)."""
    test_share: PositiveFloat = 0.1
    """Of all events, the newest (time)."""
    validation_share: PositiveFloat = 0.1
    """Of all events, those before the test (time)."""
    repeats: bool = False
    """Whether taking something again counts as an answer: music and groceries, not films."""
    next_only: bool = False
    """Whether only the first thing each person took after the cut is an answer (time)."""

    def __call__(self, data: Dataset) -> Split:
        if self.kind == "leave-one-out":
            return leave_last(data, self.n, repeats=self.repeats)
        return by_time(data, self.test_share, self.validation_share, repeats=self.repeats, next_only=self.next_only)


def leave_last(data: Dataset, n: int = 1, *, repeats: bool = False) -> Split:
    """Each person's last n wanted events are the test, the n before them the validation.

    A person needs at least 2 n + 1 of them to be asked; the others are only learned from. A test question knows the
    validation events in both variants; they differ in what the model was fitted on. What was merely shown is no event.

    repeats : taking again what one already had counts as an answer, and nothing is hidden from the lists
    """
    if n < 1:
        raise DataError(f"leave_last holds out n events per person, and n is {n}; give 1 or more.")
    data = without_impressions(data)
    wanted = data.kinds.weights[data.kind] > 0
    up_to = np.concatenate([[0], np.cumsum(wanted)])
    asked = up_to[data.offsets[1:]] - up_to[data.offsets[:-1]] >= 2 * n + 1
    after = up_to[data.offsets[1:]][data.user] - up_to[1:]  # wanted events after each: 0 for the newest of them
    is_test = asked[data.user] & (after < n)
    is_validation = asked[data.user] & (after >= n) & (after < 2 * n)
    rule = "the last event of each user" if n == 1 else f"the last {n} events of each user"
    return _split(data, is_test, is_validation, rule, repeats=repeats)


def by_time(
    data: Dataset,
    test_share: float = 0.1,
    validation_share: float = 0.1,
    *,
    repeats: bool = False,
    next_only: bool = False,
) -> Split:
    """One moment for everybody: the newest `test_share` of all events are the test, the share before it validation.

    Nobody's future is learned from: this is what a deployed system meets. People are asked once, at the cut, about all
    they did after it, or with `next_only` about the first of it.
    """
    data = without_impressions(data)
    if data.time is None:
        raise DataError("A time split needs events with times; these have only an order. Use leave-one-out.")
    if not 0 < test_share < 1 or not 0 < validation_share < 1 - test_share:
        raise DataError(f"Shares of {test_share} (test) and {validation_share} (validation) leave nothing to train on.")
    first, second = np.quantile(data.time, [1 - test_share - validation_share, 1 - test_share]).astype(np.int64)
    is_test = data.time > second
    is_validation = (data.time > first) & ~is_test
    rule = f"the newest {test_share:.0%} of all events, after {np.datetime64(int(second), 'us').astype('M8[s]')}Z"
    rule += ", the first of each user" if next_only else ""
    cuts = (int(first), int(second))
    return _split(data, is_test, is_validation, rule, cuts=cuts, repeats=repeats, next_only=next_only)


def without_impressions(data: Dataset) -> Dataset:
    """The events without impressions (kinds of weight 0), which users did not cause and which are no answers."""
    done = data.kinds.weights[data.kind] != 0
    return data if done.all() else data.where(done)


def fixed(data: Dataset, is_test: BoolArray, is_validation: BoolArray, rule: str) -> Split:
    """The split a data set fixes: (L,) true for the events of each part."""
    if is_test.shape != (len(data),) or is_validation.shape != (len(data),) or (is_test & is_validation).any():
        raise DataError("A fixed split needs one flag per event and part, and no event in two parts.")
    return _split(data, is_test, is_validation, rule)


def _split(
    data: Dataset,
    is_test: BoolArray,
    is_validation: BoolArray,
    rule: str,
    cuts: tuple[int, int] | None = None,
    repeats: bool = False,
    next_only: bool = False,
) -> Split:
    if repeats:  # a pipeline that learns from any part offers again what people had, as every model is asked to
        data = replace(data, kinds=data.kinds.hiding(()))
    known_at_test = ~is_test
    train = ~is_test & ~is_validation
    test = _questions(data, known_at_test, is_test, cuts and cuts[1], repeats, next_only)
    return Split(
        data=data,
        train=_learnable(data, train, cuts and cuts[0]),
        validation=_questions(data, train, is_validation, cuts and cuts[0], repeats, next_only),
        refit=_learnable(data, known_at_test, cuts and cuts[1]),
        test=test,
        rule=f"{rule}; what one had before counts" if repeats else rule,
        left_out=int((np.diff(data.offsets) > 0).sum()) - len(test),
    )


def _learnable(data: Dataset, known: BoolArray, cut: int | None) -> Dataset:
    """What may be learned from: the known events; searches and impressions from before what is asked about."""
    part = data.where(known)
    if data.searches is None and data.impressions is None:
        return part
    until = known_until(data.user, data.time, ~known, data.n_users, cut)
    return part.searched_before(until).impressions_before(until)


def _questions(
    data: Dataset, known: BoolArray, held_out: BoolArray, cut: int | None, repeats: bool, next_only: bool
) -> Questions:
    """One query per user with a new item among the held-out events.

    An item that the user has consumed is no answer, because lists never recommend it again; with `repeats` it is one,
    and lists may. An item counts as consumed only if the earlier event hides it, or was at least as strong as the
    held-out one: a purchase after a view is still a new item.
    """
    weight, hides = data.kinds.weights[data.kind], data.kinds.hides[data.kind]
    answer = held_out & (weight > 0)
    if not repeats:
        for strength in np.unique(weight[answer]):
            chosen = np.flatnonzero(answer & (weight == strength))
            consumed = np.flatnonzero(known & (hides | (weight >= strength)))
            answer[chosen] = ~_among(_pairs(data, chosen), _pairs(data, consumed))
    people, first = np.unique(data.user[answer], return_index=True)
    if next_only:  # events stand in the order of users and times
        answer[:] = np.isin(np.arange(len(data)), np.flatnonzero(answer)[first])
    row_of = np.full(data.n_users, -1, np.int64)
    row_of[people] = np.arange(len(people))
    relevant = csr_array(
        (np.ones(answer.sum(), np.float32), (row_of[data.user[answer]], data.item[answer].astype(np.int64))),
        shape=(len(people), data.n_items),
    )
    relevant.sum_duplicates()
    relevant.data[:] = 1
    history = data.where(known).histories().take(people.astype(np.int64))
    asked_at: LongArray | None = None
    if cut is not None:
        asked_at = np.full(len(people), cut, np.int64)
    elif data.time is not None:
        asked_at = np.full(len(people), np.iinfo(np.int64).max, np.int64)
        np.minimum.at(asked_at, row_of[data.user[answer]], data.time[answer])
        # A split fixed by the data may know events later than an answer; then the question comes after them.
        if history.time is not None and len(history.items):
            last = history.time[np.maximum(history.offsets[1:] - 1, 0)]
            asked_at = np.where(history.lengths > 0, np.maximum(asked_at, last), asked_at)
    searches = None
    if data.searched is not None:
        until = known_until(data.user, data.time, ~known, data.n_users, cut)
        searches = data.searched.lately(people, until[people])
    codes = people.astype(np.int32)
    queries = Queries(codes, history, asked_at=asked_at, searches=searches, columns=data.columns_of(codes))
    hiding = data.kinds.hides | (data.kinds.weights >= weight.max(initial=0))
    return Questions(queries, relevant, repeats, None if hiding.all() else hiding)


def _pairs(data: Dataset, events: LongArray) -> LongArray:
    """(E,) one number for each user and item."""
    return data.user[events].astype(np.int64) * data.n_items + data.item[events]


def _among(some: LongArray, all_of_them: LongArray) -> BoolArray:
    """Whether each number is among the others, which are sorted in place: half the time and memory of np.isin."""
    all_of_them.sort()
    at = np.searchsorted(all_of_them, some)
    return at < np.searchsorted(all_of_them, some, side="right")
