"""All a store holds on one person, as one JSON document for that person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def portrait(user: str, columns: dict[str, Any] | None, events: Iterable[Sequence[Any]]) -> dict[str, Any] | None:
    """None where nothing is held.

    events : (item, kind, time, value, context) each, oldest first
    """
    history = [
        {"item": item, "kind": kind, "time": _written(time), "value": value, "context": context}
        for item, kind, time, value, context in events
    ]
    if columns is None and not history:
        return None
    return {"user": user, "columns": columns or {}, "events": history}


def _written(time: int | None) -> str | None:
    """ISO 8601 in UTC, to the microsecond."""
    return None if time is None else (EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds")
