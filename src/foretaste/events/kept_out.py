"""What a store refuses to keep because it was removed on purpose, in one sentence each."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foretaste.events.model import Event


def kept_out(event: Event, floor: int | None, erased_at: int | None) -> str | None:
    """Why an event may not come (back) in; None if it may.

    floor     : µs; retention has removed everything older
    erased_at : µs; its person was erased then
    """
    if floor is not None and event.time is not None and event.time < floor:
        day = datetime.fromtimestamp(floor / 1e6, UTC).date()
        return f"It is older than what is kept here: events before {day} were removed by age."
    if erased_at is not None and (event.time is None or event.time <= erased_at):
        return "Its person was erased, and it is from before that; only what they do afterwards is kept."
    return None


def now() -> int:
    """µs since 1970 UTC by this machine's clock."""
    return time.time_ns() // 1000


def checked_columns(name: str, columns: Mapping[str, Any]) -> str:
    """Columns as JSON text; DataError if JSON has no form for them."""
    import json

    if not name:
        raise DataError("An item or a person without a name cannot be kept; give it an id.")
    try:
        text = json.dumps(dict(columns), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        name.encode()
    except (TypeError, ValueError) as error:
        raise DataError(f"The columns cannot be kept as JSON: {error}.") from None  # whose, stays out of the logs
    return text
