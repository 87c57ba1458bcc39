"""Queries of users at a moment: their histories, impressions they did not react to, and items they rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.data.impressions import NO_TIME
from foretaste.data.kinds import DISLIKE
from foretaste.types import History, Queries, Ragged

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.data.kinds import Kinds
    from foretaste.types import IntArray, LongArray


def current_queries(data: Dataset, users: IntArray, now: int) -> Queries:
    """What a service would ask its pipeline for these users at this moment, knowing all of `data`.

    users : (B,) user codes
    now   : µs since 1970 UTC; a query comes after everything its user did all the same
    """
    history = data.where(data.kinds.weights[data.kind] != 0).histories().take(users.astype(np.int64))
    asked_at = None
    if history.time is not None:
        asked_at = np.full(len(users), now, np.int64)
        if len(history.items):
            last = history.time[np.maximum(history.offsets[1:] - 1, 0)]
            asked_at = np.where(history.lengths > 0, np.maximum(asked_at, last), asked_at)
    always = np.full(data.n_users, np.iinfo(np.int64).max, np.int64)
    return Queries(
        users,
        history,
        asked_at=asked_at,
        shown=unanswered_impressions(data, users, always),
        disliked=disliked_items(history, data.kinds),
        searches=None if data.searched is None else data.searched.latest(users.astype(np.int64), always[users]),
        columns=data.columns_of(users),
    )


def unanswered_impressions(data: Dataset, users: IntArray, until: LongArray) -> History | None:
    """Of each user, the impressions of before a moment that they did not react to afterwards; None without times.

    Whatever a user does with an item makes it fresh again: only impressions later than that are left.

    data    : events up to that moment, and impressions
    users   : (B,) user codes
    until   : (n_users,) µs; impressions at that moment or later are left out
    returns : B rows, oldest first; kinds and values say nothing
    """
    if len(several := np.unique(users)) < len(users):  # rows do not depend on one another
        rows = unanswered_impressions(data, several, until)
        return None if rows is None else rows.take(np.searchsorted(several, users))
    shown = data.impressions
    if shown is None or shown.time is None or data.time is None:
        return None
    row_of = np.full(data.n_users, -1, np.int64)
    row_of[users] = np.arange(len(users))
    own = data.kinds.weights[data.kind] != 0  # an impression is no reaction
    keys = data.user[own].astype(np.int64) * data.n_items + data.item[own]
    order = np.lexsort((data.time[own], keys))
    keys, times = keys[order], data.time[own][order]
    newest = np.append(keys[1:] != keys[:-1], np.ones(min(1, len(keys)), np.bool_))
    keys, times = keys[newest], times[newest]
    mine = shown.user.astype(np.int64) * data.n_items + shown.item
    answered_at = np.full(len(mine), NO_TIME)
    if len(keys):
        place = np.minimum(np.searchsorted(keys, mine), len(keys) - 1)
        answered_at = np.where(keys[place] == mine, times[place], NO_TIME)
    keep = (shown.time != NO_TIME) & (shown.time < until[shown.user]) & (shown.time > answered_at)
    kept = np.flatnonzero(keep & (row_of[shown.user] >= 0))
    row = row_of[shown.user[kept]]
    kept = kept[np.argsort(row, kind="stable")]  # impressions are sorted by user and time already
    n = len(kept)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(users)))]).astype(np.int64)
    return History(shown.item[kept], offsets, shown.time[kept], np.zeros(n, np.uint8), np.ones(n, np.float32))


def disliked_items(history: History, kinds: Kinds) -> Ragged | None:
    """B rows of the items of each history that were disliked, the latest last; None where the data has no such kind."""
    if DISLIKE not in kinds.names:
        return None
    disliked = history.where(history.kind == kinds.code(DISLIKE))
    return (
        Ragged.from_rows([_each_once(disliked.row(b)) for b in range(len(disliked))]) if len(disliked.items) else None
    )


def _each_once(items: IntArray) -> IntArray:
    """Each item once, where it came last."""
    _, from_end = np.unique(items[::-1], return_index=True)
    return items[np.sort(len(items) - 1 - from_end)]
