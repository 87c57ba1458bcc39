"""Deduplication of repeated events, and splitting of histories into sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.data.ids import IdMap
from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from foretaste.data.prepare.config import PrepareConfig
    from foretaste.types import LongArray

SECOND = 1_000_000
MINUTE = 60 * SECOND


def drop_repeats(data: Dataset, config: PrepareConfig) -> tuple[Dataset, str] | None:
    """One event of each run of the same user, item and kind; see PrepareConfig.repeats."""
    rule, within = config.repeats, config.repeats_within_seconds
    if rule == "keep":
        return None
    if data.time is None and (rule == "exact" or within is not None):
        what = "repeats = 'exact'" if rule == "exact" else "repeats_within_seconds"
        raise ConfigError(f"[prepare] {what} needs times, and these events have none; use repeats = 'first'.")
    if rule == "exact":
        frame = pl.DataFrame(
            {"user": data.user, "item": data.item, "kind": data.kind, "time": data.time, "value": data.value}
        )
        first = frame.select(pl.struct(pl.all()).is_first_distinct()).to_series()
        return data.where(first.to_numpy()), "Exact copies of an event are left out."
    run, order = _runs(data, within)
    starts = np.flatnonzero(np.concatenate([[True], run[1:] != run[:-1]])) if len(run) else np.empty(0, np.int64)
    ends = np.append(starts[1:], len(run))[: len(starts)]
    chosen = order[ends - 1 if rule == "last" else starts]
    keep = np.zeros(len(data), np.bool_)
    keep[chosen] = True
    if rule == "sum" and len(starts):
        total = data.value.copy()
        total[chosen] = np.add.reduceat(data.value[order].astype(np.float64), starts)
        data = replace(data, value=total)
    span = "" if within is None else f" no more than {within:g} s apart"
    which = {"first": "its first", "last": "its last", "sum": "its first, with their values added up"}[rule]
    return data.where(keep), f"Of each run of events of one user, item and kind{span}, {which} is kept."


def _runs(data: Dataset, within_seconds: float | None) -> tuple[LongArray, LongArray]:
    """(L,) the run of each event, and (L,) the order of the events by run, oldest first."""
    order = np.lexsort((data.kind, data.item, data.user)).astype(np.int64)  # stable, and events are sorted by time
    user, item, kind = data.user[order], data.item[order], data.kind[order]
    new = (user[1:] != user[:-1]) | (item[1:] != item[:-1]) | (kind[1:] != kind[:-1])
    if within_seconds is not None and data.time is not None:
        new |= np.diff(data.time[order]) > within_seconds * SECOND
    return np.concatenate([[0], np.cumsum(new)]).astype(np.int64)[: len(order)], order


def cut_sessions(data: Dataset, config: PrepareConfig) -> tuple[Dataset, str] | None:
    """Sessions as users: 'user#1' is the first session of 'user', with the attributes of the user."""
    if (minutes := config.session_gap_minutes) is None:
        return None
    if data.time is None:
        raise ConfigError("[prepare] session_gap_minutes needs times, and these events have none.")
    new_user = np.concatenate([[True], data.user[1:] != data.user[:-1]])[: len(data)]
    pause = np.concatenate([[False], np.diff(data.time) > minutes * MINUTE])[: len(data)]
    begins = new_user | pause
    session = np.cumsum(begins) - 1  # (L,)
    owner = data.user[begins]  # (n_sessions,)
    first = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]])[: len(owner)])
    number = np.arange(len(owner)) - np.repeat(first, np.diff(np.append(first, len(owner)))) + 1
    names = pl.DataFrame({"user": data.users.names.gather(owner), "number": number}).select(
        pl.format("{}#{}", "user", "number")
    )
    ids = IdMap.of(names.to_series())
    code = ids.codes(names.to_series())  # (n_sessions,)
    cut = Dataset.sorted(
        users=ids,
        items=data.items,
        user=code[session],
        item=data.item,
        time=data.time,
        kind=data.kind,
        value=data.value,
        kinds=data.kinds,
    )
    table = data.user_table
    if table is not None:
        of_code = np.empty(len(owner), np.int32)
        of_code[code] = owner
        table = table[of_code].with_columns(ids.names.alias("user"))
    columns = {name: getattr(cut, name) for name in ("users", "user", "item", "time", "kind", "value")}
    sentence = f"Histories are cut where nothing happened for more than {minutes:g} minutes: {len(owner):,} sessions."
    about_people = [name for name, relation in data.relations.items() if relation.between == "users"]
    beside = [name for name in ("searches", "impressions") if getattr(data, name) is not None]
    if lost := ", ".join([*about_people, *beside]):
        sentence += f" Tables of users do not apply to sessions and are left out: {lost}."
    relations = {name: relation for name, relation in data.relations.items() if name not in about_people}
    whole = replace(data, **columns, user_table=table, user_type=pl.String())
    return replace(whole, relations=relations, searches=None, impressions=None), sentence
