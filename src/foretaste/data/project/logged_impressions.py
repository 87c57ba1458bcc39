"""The impressions of an event log: its events of kind `shown`, with position, scene, ... from their contexts."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.data.impressions import Impressions
from foretaste.data.kinds import SHOWN

if TYPE_CHECKING:
    from foretaste.data.ids import IdMap
    from foretaste.events.protocols import EventLog

ROWS_AT_ONCE = 100_000
DETAILS = {"position": pl.Int32, "scene": pl.String, "recommendation_id": pl.String, "propensity": pl.Float32}
"""The keys of a context that are read, as columns of `Impressions.from_frame`."""


def logged_impressions(log: EventLog, events: pl.DataFrame, users: IdMap, items: IdMap) -> Impressions | None:
    """The impressions among these events of the log; None where nothing was shown.

    events : as `EventLog.frame` gives them, times null where unknown

    Contexts are read part by part, and only where something was shown: a log without impressions is read once.
    """
    shown = events.filter(pl.col("kind") == SHOWN)
    if not len(shown):
        return None
    # An event that was erased after `events` was read has no context any more; the next training will not have it.
    return Impressions.from_frame(shown.join(_details(log, shown["seq"][-1]), on="seq", how="left"), users, items)


def _details(log: EventLog, last: int) -> pl.DataFrame:
    """seq and the columns of DETAILS, of every event of kind `shown` up to a position in the log."""
    parts = [pl.DataFrame(schema={"seq": pl.Int64, **DETAILS})]
    after = 0
    while after < last and len(part := log.frame(after, ROWS_AT_ONCE, whole=True)):
        after = part["seq"][-1]
        shown = part.filter((pl.col("kind") == SHOWN) & pl.col("context").is_not_null())
        rows = [read_context(context) for context in shown["context"].to_list()]
        parts.append(pl.DataFrame(rows, DETAILS, orient="row").select(shown["seq"], pl.all()))
    return pl.concat(parts)


def read_context(context: str) -> tuple[int | None, str | None, str | None, float | None]:
    """(position, scene, recommendation_id, propensity) of an event's context; None for missing or invalid values.

    A context is JSON text from clients, so nothing about it is certain.
    """
    try:
        values: Any = json.loads(context)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        return None, None, None, None
    position, propensity = values.get("position"), values.get("propensity")
    if isinstance(position, bool) or not isinstance(position, int) or not 1 <= position < 2**31:
        position = None
    if isinstance(propensity, bool) or not isinstance(propensity, int | float) or not _is_probability(propensity):
        propensity = None
    scene, recommendation = (
        value if isinstance(value := values.get(name), str) and value else None
        for name in ("scene", "recommendation_id")
    )
    return position, scene, recommendation, propensity


def _is_probability(number: float) -> bool:
    """Above 0 and at most 1, as a float32 too."""
    return math.isfinite(number) and 1e-38 < number <= 1
