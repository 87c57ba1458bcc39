"""The export of one person: everything a store holds on them, as one JSON document (GDPR, Art. 15 and 20)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def person_document(
    user: str, columns: dict[str, Any] | None, events: Iterable[Sequence[Any]]
) -> dict[str, Any] | None:
    """The keys user, columns and events; None where nothing is held.

    columns : what is known of the user; None where the store does not know them
    events  : (item, kind, time in µs, value, context) each, oldest first
    """
    history = [
        {"item": item, "kind": kind, "time": _iso(time), "value": value, "context": context}
        for item, kind, time, value, context in events
    ]
    if columns is None and not history:
        return None
    return {"user": user, "columns": columns or {}, "events": history}


def _iso(time: int | None) -> str | None:
    """ISO 8601 in UTC, to the microsecond."""
    return None if time is None else (EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds")
