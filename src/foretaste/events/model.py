"""The values of the event store: events, histories, items of the live catalogue, positions in the log."""

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
"""The kind of a search event, whose item is the search text. The spaces keep it apart from every kind of a project."""
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The range of times, in µs since 1970 UTC, that can be written as a date: the years 1 to 9999."""
LARGEST_VALUE = 1e30
"""Values are float32 from the data set on; beyond 3e38 they would be infinite."""


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction of a user with an item.

    id      : the client's id of this event; events of the same id count once
    time    : µs since 1970 UTC; None where only the order is known
    value   : a rating, a share watched; 1 where the client sent none
    stamped : the client sent no time, and `time` is when the service received it; a retry may have a later one
    context : further facts as JSON text: recommendation_id, position, scene, session
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
        """Whether the client sent the same event twice."""
        return self._as_sent() == other._as_sent()

    def _as_sent(self) -> tuple[object, ...]:
        time = None if self.stamped else self.time
        return self.user, self.item, self.kind, self.value, self.stamped, time, self.context


class Outcome(NamedTuple):
    """The result of appending one event.

    accepted  : durable on disk
    duplicate : the log had it already; nothing changed
    conflict  : its id belongs to another event; nothing changed
    rejected  : invalid or removed on purpose; `why` gives the reason in one sentence
    """

    status: Status
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The history of one user, oldest event first: four lists of one length.

    upto : the latest position in the log among the events, 0 for none: `history(until=upto)` returns the same again
    """

    item: list[str]
    kind: list[str]
    time: list[int | None]
    value: list[float]
    upto: int = field(default=0, compare=False)

    def __len__(self) -> int:
        return len(self.item)


class Logged(NamedTuple):
    """One event as it is stored, with its position `seq` in the log."""

    seq: int
    user: str
    item: str
    kind: str
    time: int | None
    value: float


class ItemRecord(NamedTuple):
    """One item of the live catalogue.

    columns : its attributes, as JSON values
    change  : number of its latest change among all changes of the catalogue; rises, with gaps
    """

    name: str
    columns: dict[str, Any]
    hidden: bool
    deleted: bool
    change: int


class Mark(NamedTuple):
    """A reader's position in a store; the default is its beginning.

    seq    : position of the last event read
    change : number of the last change of the catalogue read
    epoch  : how often histories had been rewritten by then
    """

    seq: int = 0
    change: int = 0
    epoch: int = 0


class News(NamedTuple):
    """What was written to a store after a mark.

    events    : in order of seq; as many as the limit where there are more
    items     : new, changed, hidden and deleted ones, in order of change
    mark      : the mark to continue from
    forgotten : histories were rewritten (an erasure, a removed entry), so whatever was derived from them is out of date
    """

    events: list[Logged]
    items: list[ItemRecord]
    mark: Mark
    forgotten: bool


def problem(event: Event) -> str | None:
    """Why an event is invalid, in one sentence; None if it is valid."""
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
