"""Retention: which events a store refuses because they were removed by age or by an erasure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foretaste.events.model import Event


def rejection_reason(event: Event, floor: int | None, erased_at: int | None) -> str | None:
    """Why a store refuses an event, in one sentence; None if it may be kept.

    floor     : µs since 1970 UTC; everything older was removed by age. None where nothing was
    erased_at : µs since 1970 UTC, when the event's user was erased. None where they were not
    """
    if floor is not None and event.time is not None and event.time < floor:
        day = datetime.fromtimestamp(floor / 1e6, UTC).date()
        return f"It is older than what is kept here: events before {day} were removed by age."
    if erased_at is not None and (event.time is None or event.time <= erased_at):
        return "Its person was erased, and it is from before that; only what they do afterwards is kept."
    return None
