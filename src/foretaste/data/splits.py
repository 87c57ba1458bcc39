"""Splits of a data set into training, validation and test parts, as evaluation queries with known answers.

train       events that models are fitted on while settings are chosen
validation  queries that settings are chosen by
refit       events that the chosen model is fitted on before the test: train and validation (variant "refit"; "strict"
            stays at train)
test        queries that nothing was chosen by
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.data.current_queries import disliked_items, unanswered_impressions
from foretaste.data.searches import known_until
from foretaste.errors import DataError
from foretaste.types import Queries

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, History, LongArray


@dataclass(frozen=True, eq=False)
class EvalQueries:
    """Evaluation queries with their held-out answers.

    queries  : B queries: what is known of each user at the moment of the query
    relevant : (B, n_items) CSR, 1 for every held-out item of the user
    repeats  : whether consumed items count as answers and may be recommended again
    hiding   : (n_kinds,) bool, kinds of events after which an item counts as consumed; None for all kinds
    """

    queries: Queries
    relevant: csr_array
    repeats: bool = False
    hiding: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.queries)

    def __repr__(self) -> str:
        right, n_items = self.relevant.nnz, self.relevant.shape[1]
        return f"EvalQueries({len(self):,} people, {right:,} right answers among {n_items:,} items)"

    def sample(self, n: int) -> EvalQueries:
        """The first n queries, or all where there are fewer: a random sample, as user codes follow a hash."""
        if len(self) <= n:
            return self
        return self.take(np.arange(n))

    def take(self, rows: LongArray) -> EvalQueries:
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
    """The whole data set; where repeats count as answers, no kind of event hides an item, here and in the parts."""
    train: Dataset
    validation: EvalQueries
    refit: Dataset
    test: EvalQueries
    rule: str
    """Name of the rule by which events were held out: 'the last event of each user'."""
    left_out: int
    """Number of users with events but without a test query: too few events, or no new item after the cut."""

    def __repr__(self) -> str:
        return (
            f"Split({self.data.name!r}, held out: {self.rule}; train {len(self.train):,} events, validation "
            f"{len(self.validation):,} people, refit {len(self.refit):,} events, test {len(self.test):,} people, "
            f"{self.left_out:,} left out)"
        )


class Holdout(Config):
    """Settings of a split, to be applied to any data set; a shuffled copy of the data is split the same way."""

    kind: Literal["leave-one-out", "time"] = "leave-one-out"
    n: PositiveInt = 1
    """Events held out per user (leave-one-out)."""
    test_share: PositiveFloat = 0.1
    """Share of all events, the newest, that is the test part (time)."""
    validation_share: PositiveFloat = 0.1
    """Share of all events, those just before the test part, that is the validation part (time)."""
    repeats: bool = False
    """Whether a repeated item counts as an answer: for music and groceries, not for films."""
    next_only: bool = False
    """Whether only the first item of each user after the cut is an answer (time)."""

    def __call__(self, data: Dataset) -> Split:
        if self.kind == "leave-one-out":
            return leave_last(data, self.n, repeats=self.repeats)
        return by_time(data, self.test_share, self.validation_share, repeats=self.repeats, next_only=self.next_only)


def leave_last(data: Dataset, n: int = 1, *, repeats: bool = False) -> Split:
    """Leave-n-out: the last n positive events of each user are the test part, the n before them the validation part.

    Users with fewer than 2 n + 1 positive events are only trained on. The history of a test query holds the validation
    events in both variants; the variants differ in what the model was fitted on. Impressions do not count as events.

    repeats : repeated items count as answers, and no item is hidden from the lists
    """
    if n < 1:
        raise DataError(f"leave_last holds out n events per person, and n is {n}; give 1 or more.")
    data = without_impressions(data)
    wanted = data.kinds.weights[data.kind] > 0
    up_to = np.concatenate([[0], np.cumsum(wanted)])
    measured = up_to[data.offsets[1:]] - up_to[data.offsets[:-1]] >= 2 * n + 1
    after = up_to[data.offsets[1:]][data.user] - up_to[1:]  # wanted events after each: 0 for the newest of them
    is_test = measured[data.user] & (after < n)
    is_validation = measured[data.user] & (after >= n) & (after < 2 * n)
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
    """Global time split: the newest `test_share` of all events are the test part, the share before it validation.

    No event of any user's future is trained on, as in a deployed system. Each user is one query, at the cut, whose
    answers are all new items after it, or with `next_only` the first of them. Raises DataError without times.
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
    """A split that the data set itself prescribes: (L,) true for the events of each part."""
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
    if repeats:  # so that a pipeline fitted on any part recommends consumed items again, as every model does here
        data = replace(data, kinds=data.kinds.hiding(()))
    known_at_test = ~is_test
    train = ~is_test & ~is_validation
    test = _eval_queries(data, known_at_test, is_test, cuts and cuts[1], repeats, next_only)
    return Split(
        data=data,
        train=_learnable(data, train, cuts and cuts[0]),
        validation=_eval_queries(data, train, is_validation, cuts and cuts[0], repeats, next_only),
        refit=_learnable(data, known_at_test, cuts and cuts[1]),
        test=test,
        rule=f"{rule}; what one had before counts" if repeats else rule,
        left_out=int((np.diff(data.offsets) > 0).sum()) - len(test),
    )


def _learnable(data: Dataset, known: BoolArray, cut: int | None) -> Dataset:
    """What models may be fitted on: the known events, and searches and impressions from before the held-out events."""
    part = data.where(known)
    if data.searches is None and data.impressions is None:
        return part
    until = known_until(data.user, data.time, ~known, data.n_users, cut)
    return part.searched_before(until).impressions_before(until)


def _eval_queries(
    data: Dataset, known: BoolArray, held_out: BoolArray, cut: int | None, repeats: bool, next_only: bool
) -> EvalQueries:
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
    if next_only:  # events are sorted by user and time
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
        # A prescribed split may keep events later than an answer; the query then comes after them.
        if history.time is not None and len(history.items):
            last = history.time[np.maximum(history.offsets[1:] - 1, 0)]
            asked_at = np.where(history.lengths > 0, np.maximum(asked_at, last), asked_at)
    until = known_until(data.user, data.time, ~known, data.n_users, cut)
    searches = None if data.searched is None else data.searched.latest(people, until[people])
    codes = people.astype(np.int32)
    queries = Queries(
        codes,
        history,
        asked_at=asked_at,
        shown=unanswered_impressions(data.where(known), codes, until),
        disliked=disliked_items(history, data.kinds),
        searches=searches,
        columns=data.columns_of(codes),
    )
    hiding = data.kinds.hides | (data.kinds.weights >= weight.max(initial=0))
    return EvalQueries(queries, relevant, repeats, None if hiding.all() else hiding)


def _pairs(data: Dataset, events: LongArray) -> LongArray:
    """(E,) one number per pair of user and item."""
    return data.user[events].astype(np.int64) * data.n_items + data.item[events]


def _among(some: LongArray, all_of_them: LongArray) -> BoolArray:
    """Like np.isin, in half the time and memory; `all_of_them` is sorted in place."""
    all_of_them.sort()
    at = np.searchsorted(all_of_them, some)
    return at < np.searchsorted(all_of_them, some, side="right")
