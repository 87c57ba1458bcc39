"""Steam reviews and games (Kang & McAuley 2018; Pathak et al. 2017): dictionaries as Python prints them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.data.sources.archives import lines
from foretaste.data.sources.python_literals import record
from foretaste.data.sources.source import Fetched, Tables

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.sources.source import Progress

DAY = 86_400_000_000
"""Microseconds."""
EPOCH = date(1970, 1, 1).toordinal()


def read(got: Fetched) -> Tables:
    """A review is an event of the day it was written; its value is the hours played by then.

    Reviews of one person on one day keep the order of the file, which says nothing of their order in time.
    """
    reviews, games = got.files
    users: list[str] = []
    items: list[str] = []
    days: list[int] = []
    hours: list[float] = []
    for number, line in enumerate(lines(reviews)):
        found = record(line) or {}
        user, item, day = found.get("username"), found.get("product_id"), _day(found.get("date"))
        if isinstance(user, str) and user and item is not None and day is not None:
            users.append(user)
            items.append(str(item))
            days.append(day)
            hours.append(_hours(found.get("hours")))
        if number % 20_000 == 0:
            got.progress("reading the reviews", number, number + 1)
    got.progress("reading the reviews", 1, 1)
    events = pl.DataFrame(
        {
            "user": users,
            "item": items,
            "kind": pl.Series(["review"], dtype=pl.String).new_from_index(0, len(users)),
            "time": np.array(days, np.int64) * DAY,
            "value": np.array(hours, np.float32),
        }
    )
    return Tables(events, _games(games, got.progress))


def _games(path: Path, progress: Progress) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for line in lines(path):
        found = record(line) or {}
        if found.get("id") is not None:
            rows.append(
                {
                    "item": str(found["id"]),
                    "title": found.get("title") or found.get("app_name"),
                    "genres": _words(found.get("genres")),
                    "tags": _words(found.get("tags")),
                    "developer": found.get("developer"),
                }
            )
    words = pl.List(pl.String)
    schema: dict[str, Any] = {
        "item": pl.String,
        "title": pl.String,
        "genres": words,
        "tags": words,
        "developer": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, strict=False).unique("item", keep="last", maintain_order=True)


def _words(value: object) -> list[str] | None:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else None


def _day(value: object) -> int | None:
    """Days since 1970 of '2017-12-17'."""
    try:
        return date.fromisoformat(value).toordinal() - EPOCH if isinstance(value, str) else None
    except ValueError:
        return None


def _hours(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 1.0
