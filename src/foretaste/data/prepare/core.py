"""The k-core: remove users and items with too few events repeatedly, until all that are left have enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.data.ids import IdMap
from foretaste.errors import DataError
from foretaste.types import NO_ITEM, NO_USER

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.data.prepare.config import PrepareConfig
    from foretaste.types import BoolArray, IntArray


def core(data: Dataset, config: PrepareConfig) -> tuple[Dataset, str] | None:
    """The k-core of the data with min_user_events and min_item_events; None where neither is set."""
    least_user, least_item = config.min_user_events, config.min_item_events
    if not least_user and not least_item:
        return None
    user, item = data.user, data.item
    if config.core_counts == "pairs":
        pair = np.unique(user.astype(np.int64) * data.n_items + item)
        user, item = (pair // data.n_items).astype(np.int32), (pair % data.n_items).astype(np.int32)
    users, items, rounds = core_of(user, item, data.n_users, data.n_items, least_user, least_item)
    kept = with_only(data, users, items)
    if not len(kept):
        raise DataError(
            f"No event is left where every user has {least_user} and every item {least_item} {config.core_counts}; "
            "ask for less in [prepare]."
        )
    asked = " and ".join(
        f"{what}s with {least} {config.core_counts} or more"
        for what, least in (("user", least_user), ("item", least_item))
        if least
    )
    return kept, f"Only {asked}, after {rounds} {'round' if rounds == 1 else 'rounds'}."


def core_of(
    user: IntArray, item: IntArray, n_users: int, n_items: int, least_user: int, least_item: int
) -> tuple[BoolArray, BoolArray, int]:
    """The largest sets of users and items with enough events among themselves: (n_users,), (n_items,) bool; the rounds.

    user, item : (L,) codes of each event. Each round counts the remaining events and drops those with too few; as this
                 only lowers counts, the order does not matter and the fixpoint is unique (Seidman 1983). O(L) a round
    """
    users, items = np.ones(n_users, np.bool_), np.ones(n_items, np.bool_)
    rounds = 0
    while True:
        rounds += 1
        users &= np.bincount(user, minlength=n_users) >= least_user
        items &= np.bincount(item, minlength=n_items) >= least_item
        keep = users[user] & items[item]
        if keep.all():
            return users, items, rounds
        user, item = user[keep], item[keep]


def with_only(data: Dataset, users: BoolArray, items: BoolArray) -> Dataset:
    """The events among these users and items, with new codes in the same order, and their rows of all side tables."""
    keep = users[data.user] & items[data.item]
    user_code = (np.cumsum(users) - 1).astype(np.int32)
    item_code = (np.cumsum(items) - 1).astype(np.int32)
    fewer = data.where(keep)
    kept = data.users.names.filter(users)
    table = data.items
    return replace(
        fewer,
        users=IdMap(kept),
        items=replace(
            table,
            ids=IdMap(table.ids.names.filter(items)),
            frame=table.frame.filter(items) if table.frame.width else table.frame,
        ),
        user=user_code[fewer.user],
        item=item_code[fewer.item],
        user_table=None if data.user_table is None else data.user_table.filter(users),
        searches=None if data.searches is None else data.searches.filter(pl.col("user").is_in(kept.implode())),
        impressions=None
        if data.impressions is None
        else data.impressions.recoded(np.where(users, user_code, NO_USER), np.where(items, item_code, NO_ITEM)),
    )
