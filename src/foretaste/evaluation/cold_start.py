"""Cold-start splits: items held out of all training, new users, and users with short histories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from foretaste.data.splits import EvalQueries, Split
from foretaste.errors import DataError
from foretaste.types import Queries

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.protocols import Retriever
    from foretaste.types import BoolArray, Candidates, LongArray, Ragged


def new_items(data: Dataset, share: float = 0.1, *, by_first_event: bool = False) -> tuple[BoolArray, BoolArray]:
    """(n_items,) twice: which items are new to the validation, and which to the test; `share` of the catalogue each.

    by_first_event : the items that appeared last, instead of a draw by the hash of their names
    """
    n = max(1, round(share * data.n_items))
    if 2 * n >= data.n_items:
        raise DataError(f"Holding {share:.0%} of {data.n_items} items out twice leaves none to learn from.")
    if by_first_event:
        if data.time is None:
            raise DataError("Items can be held out by their first event only where events have times.")
        first = np.full(data.n_items, np.iinfo(np.int64).max)
        np.minimum.at(first, data.item, data.time)
        order = np.argsort(-first, kind="stable")
    else:
        order = np.arange(data.n_items)  # codes follow a hash of the names
    masks = np.zeros((2, data.n_items), bool)
    masks[1, order[:n]] = True
    masks[0, order[n : 2 * n]] = True
    return masks[0], masks[1]


def item_cold_start(
    data: Dataset, new_to_validation: BoolArray, new_to_test: BoolArray, *, every: bool = False
) -> Split:
    """Item cold start: the targets are items without any training event.

    The target of each user is their last event with a new item; their history is what they did with other items
    before. Nothing a user did after the query is trained on, and no event of a new item ever is.

    every : the targets are all new items of a user, and the query precedes the first of them; use it where few users
            have any, because one target each says very little
    """
    new = new_to_validation | new_to_test
    asked: list[LongArray] = []
    for mask in (new_to_validation, new_to_test):
        row_of = np.full(data.n_users, -1, np.int64)
        rows = np.flatnonzero(mask[data.item])
        rows = rows[::-1] if every else rows  # the one written last stays
        row_of[data.user[rows]] = rows
        asked.append(row_of)
    moment = np.minimum(*(np.where(last < 0, len(data), last) for last in asked))
    train = ~new[data.item] & (np.arange(len(data)) < moment[data.user])
    train |= ~new[data.item] & (moment == len(data))[data.user]
    eval_queries = [
        _about(data, row_of, ~new[data.item], mask if every else None)
        for row_of, mask in zip(asked, (new_to_validation, new_to_test), strict=True)
    ]
    learned = data.where(train)
    which = "all" if every else "the last one"
    return Split(
        data=data,
        train=learned,
        validation=eval_queries[0],
        refit=learned,
        test=eval_queries[1],
        rule=f"{int(new_to_test.sum())} items without training events; {which} of them per user",
        left_out=int((np.diff(data.offsets) > 0).sum()) - len(eval_queries[1]),
    )


def _about(data: Dataset, row_of: LongArray, usable: BoolArray, wanted: BoolArray | None = None) -> EvalQueries:
    """One query for every user with an event of a new item and an earlier event of another item.

    row_of : (n_users,) row of the target event, -1 where there is none
    wanted : (n_items,) all events of a user with these items are targets; None: only the event of `row_of` is
    """
    before = usable & (np.arange(len(data)) < row_of[data.user])
    people = np.flatnonzero((row_of >= 0) & (np.bincount(data.user[before], minlength=data.n_users) > 0))
    history = data.where(before).histories().take(people)
    answers = row_of[people] if wanted is None else np.flatnonzero(wanted[data.item] & np.isin(data.user, people))
    rows = np.searchsorted(people, data.user[answers])
    shape = (len(people), data.n_items)
    relevant = csr_array((np.ones(len(answers), np.float32), (rows, data.item[answers])), shape=shape)
    relevant.data[:] = 1  # an item taken twice is one target
    asked_at = None if data.time is None else data.time[row_of[people]]
    codes = people.astype(np.int32)
    return EvalQueries(Queries(codes, history, asked_at=asked_at, columns=data.columns_of(codes)), relevant)


def with_short_histories(eval_queries: EvalQueries, events: int) -> EvalQueries:
    """The same queries with histories cut to the newest `events` events."""
    return replace(
        eval_queries, queries=replace(eval_queries.queries, history=eval_queries.queries.history.newest(events))
    )


def new_users(data: Dataset, events: int, share: float = 0.1) -> Split:
    """User cold start: a `share` of the users for the test and as many for validation, by the hash of their names; none
    of their events is trained on.

    The history of each query is the user's first `events` events; the target is the next item that is new to them.

    raises : DataError where too few users would be left to train on
    """
    n = max(1, round(share * data.n_users))
    if 3 * n > data.n_users:
        raise DataError(f"Holding {share:.0%} of {data.n_users} users out twice leaves too few to learn from.")
    learned = data.where(data.user >= 2 * n)  # codes follow a hash of the names
    test, validation = (_first_events(data, events, start, start + n) for start in (0, n))
    return Split(
        data=data,
        train=learned,
        validation=validation,
        refit=learned,
        test=test,
        rule=f"{n} new users, by their first {events} event{'s' * (events > 1)}; the next item that is new to them",
        left_out=int((np.diff(data.offsets)[:n] > 0).sum()) - len(test),
    )


def new_users_with_attributes(data: Dataset, share: float = 0.1) -> Split:
    """User cold start from attributes alone: histories are empty, all items the user ever took are targets.

    A `share` of the users for the test and as many for validation, by the hash of their names, as `new_users`.

    raises : DataError where the data has no table of users
    """
    if data.user_table is None:
        raise DataError(f"{data.name} has no table of users, so there are no attributes to recommend by.")
    split = new_users(data, 0, share)
    taken = data.matrix()

    def everything(eval_queries: EvalQueries) -> EvalQueries:
        users = eval_queries.queries.user
        return EvalQueries(replace(eval_queries.queries, asked_at=None), taken[users])

    rule = f"{max(1, round(share * data.n_users))} new users, by their attributes alone; all their items"
    return replace(split, validation=everything(split.validation), test=everything(split.test), rule=rule)


def _first_events(data: Dataset, events: int, start: int, stop: int) -> EvalQueries:
    """Queries of the users with codes from `start` to `stop` who have a new item after their first events."""
    known = data.where(data.position < events).histories()
    mine = (data.user >= start) & (data.user < stop) & (data.kinds.weights[data.kind] > 0)
    later = np.flatnonzero(mine & (data.position >= events))
    pairs = np.repeat(np.arange(data.n_users), known.lengths).astype(np.int64) * data.n_items + known.items
    later = later[~np.isin(data.user[later].astype(np.int64) * data.n_items + data.item[later], pairs)]
    people, first = np.unique(data.user[later], return_index=True)
    answer = later[first]
    ones, rows = np.ones(len(people), np.float32), np.arange(len(people))
    relevant = csr_array((ones, (rows, data.item[answer])), shape=(len(people), data.n_items))
    asked_at = None if data.time is None else data.time[answer]
    history = known.take(people.astype(np.int64))
    codes = people.astype(np.int32)
    return EvalQueries(Queries(codes, history, asked_at=asked_at, columns=data.columns_of(codes)), relevant)


@dataclass(frozen=True, eq=False)
class RestrictedToItems:
    """A model restricted to some of the items, so that new items compete with new items only.

    allowed : (n_items,) the items that may be recommended
    """

    model: Retriever
    allowed: BoolArray

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        both = self.allowed if allowed is None else self.allowed & allowed
        return self.model.recommend(queries, k, exclude=exclude, allowed=both)
