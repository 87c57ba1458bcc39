"""What happened, as values: events, histories, items of the live catalogue, positions in the log."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = Literal["accepted", "duplicate", "conflict", "rejected"]

DEFAULT_KIND = "interaction"
"""The kind of imported events that name none; `usual_kinds([])` means the same by it."""
SEARCHED = "searched for"
"""The kind of a search; its item is what was searched for. It has a space, so that no kind of a shop's own is it."""
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The µs since 1970 UTC that a date-time can be written for: the years 1 to 9999."""
LARGEST_VALUE = 1e30
"""Values are float32 from the data set on; beyond 3e38 they would be infinite."""


@dataclass(frozen=True, slots=True)
class Event:
    """One person did one thing to one item.

    id      : the client's name for this event; the same id never counts twice
    time    : µs since 1970 UTC; None where only the order is known
    value   : a rating, a share watched; 1 where nothing was said
    stamped : the client gave no time, and `time` is when we heard of it. A retry is stamped later: no conflict
    context : whatever else belongs to it, as JSON text: the recommendation it answers, place in the list, session
    """

    id: str
    user: str
    item: str
    kind: str
    time: int | None = None
    value: float = 1.0
    stamped: bool = False
    context: str | None = None

    def same_as(self, other: Event) -> bool:
        """Whether the client said the same thing twice."""
        return self._said() == other._said()

    def _said(self) -> tuple[object, ...]:
        time = None if self.stamped else self.time
        return self.user, self.item, self.kind, self.value, self.stamped, time, self.context


class Outcome(NamedTuple):
    """What became of one event.

    accepted  : on disk, for good
    duplicate : it was there already; nothing changed
    conflict  : its id belongs to another event; nothing changed
    rejected  : it is not an event; `why` says what is wrong
    """

    status: Status
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What one person did, oldest first: four lists of one length.

    upto : the latest place in the log among them, 0 where there is none: `history(until=upto)` gives them again
    """

    item: list[str]
    kind: list[str]
    time: list[int | None]
    value: list[float]
    upto: int = field(default=0, compare=False)

    def __len__(self) -> int:
        return len(self.item)


class Logged(NamedTuple):
    """One event as the log has it."""

    seq: int
    user: str
    item: str
    kind: str
    time: int | None
    value: float


class ItemRecord(NamedTuple):
    """One item of the live catalogue.

    columns : all that is known of it, as JSON values
    change  : place of its latest change among all changes of the catalogue; rises, with gaps
    """

    name: str
    columns: dict[str, Any]
    hidden: bool
    deleted: bool
    change: int


class Mark(NamedTuple):
    """How far somebody has followed a store; the default is its very beginning.

    seq    : of the last event seen
    change : of the last item seen
    epoch  : how often histories had been rewritten by then
    """

    seq: int = 0
    change: int = 0
    epoch: int = 0


class News(NamedTuple):
    """What happened behind a mark.

    events    : in order of seq; as many as the limit if there are more to ask for
    items     : new, changed, hidden and deleted ones, in order of change
    mark      : where to go on from
    forgotten : histories were rewritten (an erasure, a removed entry); whatever was derived from one is out of date
    """

    events: list[Logged]
    items: list[ItemRecord]
    mark: Mark
    forgotten: bool


def problem(event: Event) -> str | None:
    """What is wrong with an event, in one sentence; None if nothing is."""
    for name in ("id", "user", "item", "kind"):
        text = getattr(event, name)
        if not text:
            return f"'{name}' is empty; give a name."
        if not text.isascii() and not _encodable(text):
            return f"'{name}' is not valid Unicode; send UTF-8."
    if event.context is not None and not _encodable(event.context):
        return "'context' is not valid Unicode; send UTF-8."
    if event.time is not None and not EARLIEST <= event.time <= LATEST:
        return f"'time' {event.time} is outside the years 1 to 9999; give µs since 1970 UTC."
    if not math.isfinite(event.value) or abs(event.value) > LARGEST_VALUE:
        return f"'value' {event.value} is not a finite number up to {LARGEST_VALUE:g}."
    return None


def columns_as_json(name: str, columns: Mapping[str, Any]) -> str:
    """The columns of an item or user as JSON text; DataError if they cannot be written as JSON, or `name` is empty."""
    if not name:
        raise DataError("An item or a person without a name cannot be kept; give it an id.")
    try:
        text = json.dumps(dict(columns), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        name.encode()
    except (TypeError, ValueError) as error:
        raise DataError(f"The columns cannot be kept as JSON: {error}.") from None  # whose, stays out of the logs
    return text


def conflict(event_id: str) -> Outcome:
    return Outcome("conflict", f"The id '{event_id}' belongs to another event; give each event an id of its own.")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which no file can hold
        return False
    return True
