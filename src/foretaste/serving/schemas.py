"""What goes in and comes out over HTTP, with examples; field names are a contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from foretaste.events.model import EARLIEST, LARGEST_VALUE, LATEST, Status
from foretaste.serving.settings import MAX_EVENTS, MAX_N, MAX_TEXT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_time(given: object) -> int:
    """µs since 1970 UTC, from whole µs or from ISO 8601 with a zone."""
    if isinstance(given, int) and not isinstance(given, bool):
        time = given
    elif isinstance(given, str):
        try:
            moment = datetime.fromisoformat(given)
        except ValueError:
            raise ValueError("write ISO 8601 with a zone, as 2026-11-21T10:00:00Z") from None
        if moment.tzinfo is None:
            raise ValueError("a time without a zone could be any of 24; end it with Z or +01:00")
        time = (moment - EPOCH) // timedelta(microseconds=1)
    else:
        raise ValueError("give ISO 8601 with a zone, or whole µs since 1970 UTC")
    if not EARLIEST <= time <= LATEST:
        raise ValueError("outside the years 1 to 9999; whole numbers are µs since 1970 UTC")
    return time


def written_time(time: int) -> str:
    """2026-11-21T10:00:00Z, with microseconds only where there are any."""
    return (EPOCH + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")


def _no_empty_name(name: str) -> str:
    if not name:
        raise ValueError("it is empty; give a name")
    return name


Name = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_no_empty_name)]
Time = Annotated[
    int,
    BeforeValidator(read_time),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}],
            "description": "ISO 8601 with a zone, or whole µs since 1970 UTC",
        }
    ),
]
Value = Annotated[float, Field(ge=-LARGEST_VALUE, le=LARGEST_VALUE, allow_inf_nan=False)]
N = Annotated[int, Field(ge=1, le=MAX_N)]
Columns = dict[str, Any]


class _Request(BaseModel):
    """What clients send; a misspelt field is refused rather than overlooked."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class _Response(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class EventIn(_Request):
    id: Name
    """The client's own id for this event; sent again, it never counts twice."""
    user: Name
    item: Name
    type: Literal["interaction"] = "interaction"
    kind: Name | None = None
    """view, buy, rating, …; left out, the first kind the model knows."""
    time: Time | None = None
    """Left out, now."""
    value: Value | None = None
    """A rating, a share watched; left out, 1."""


class BadEvent(BaseModel):
    """An element of a batch that is not an event."""

    id: str | None
    why: str


def read_event(given: object) -> EventIn | BadEvent:
    """One event of a batch; a bad one is set aside, for it must not fail the others."""
    if not isinstance(given, dict):
        return BadEvent(id=None, why="An event is an object with id, user and item.")
    try:
        return EventIn.model_validate(given)
    except ValidationError as error:
        event_id = given.get("id")
        shown = event_id if isinstance(event_id, str) and len(event_id) <= MAX_TEXT and _is_text(event_id) else None
        return BadEvent(id=shown, why=in_one_sentence(error.errors(include_url=False, include_input=False)[0]))


def in_one_sentence(error: Any) -> str:
    """The first complaint of pydantic: where, and what."""
    where = ".".join(str(part) for part in error["loc"] if part not in ("body", "query", "path"))
    what = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}." if where else f"{what}."


def _is_text(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)  # half a pair could not be sent back


class EventsIn(_Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {"id": "e-1", "user": "ann", "item": "50", "kind": "view", "time": "2026-11-21T10:00:00Z"},
                    ]
                }
            ]
        }
    )
    events: Annotated[
        list[Annotated[EventIn | BadEvent, PlainValidator(read_event, json_schema_input_type=EventIn)]],
        Field(max_length=MAX_EVENTS),
    ]


class EventResult(_Response):
    id: str | None
    status: Status
    why: str | None = None
    """What is wrong with it; or, of an accepted event, what to know about it."""


class EventsOut(_Response):
    accepted: int
    results: list[EventResult]
    """One per event, in the order sent."""


class PastEvent(_Request):
    item: Name
    kind: Name | None = None
    time: Time | None = None
    value: Value | None = None


class GuestIn(_Request):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"history": [{"item": "50"}, {"item": "172"}], "n": 10, "explain": True}]}
    )
    history: Annotated[list[PastEvent], Field(max_length=MAX_EVENTS)] = []
    """What the guest did; by time where every event has one, else oldest first as sent."""
    n: N = 10
    explain: bool = False
    exclude: Annotated[list[Name], Field(max_length=10 * MAX_EVENTS)] | None = None
    """Items not to offer."""
    allowed: Annotated[list[Name], Field(max_length=10 * MAX_EVENTS)] | None = None
    """The only items to offer; left out, all."""


class Item(_Response):
    id: str
    title: str
    columns: Columns
    """What else the catalogue knows."""


class ScoredItem(Item):
    score: float


class Source(_Response):
    rank: int
    """Place in the source's own list, from 1."""
    score: float | None
    """The source's own score, on its own scale."""


class ReasonOut(_Response):
    kind: str
    """because: of something the person did. popular: with everyone. found: by a source that cannot say why."""
    item: str | None
    title: str | None
    share: float
    """Its part of all that speaks for the item, 0 to 1."""
    text: str


class RecommendedItem(ScoredItem):
    sources: dict[str, Source]
    reasons: list[ReasonOut] | None = None
    """Only with explain=true."""


class TraceStep(_Response):
    stage: str
    seconds: float
    kept: int


class Recommendations(_Response):
    user: str | None
    recommendation_id: str
    version: str
    degraded: bool
    """A source did not fit in the time that was left."""
    events_used: int
    items: list[RecommendedItem]
    ignored: list[str] | None = None
    """Of a guest: items of the history that nobody knows, or whose kind nobody knows."""
    trace: list[TraceStep] | None = None
    """Only with explain=true."""


class HistoryEvent(_Response):
    item: str
    title: str
    kind: str
    time: str | None
    value: float
    columns: Columns


class Profile(_Response):
    user: str
    events: int
    history: list[HistoryEvent]
    """Newest first."""


class Person(_Response):
    id: str
    events: int


class People(_Response):
    users: list[Person]
    """Most recently active first."""


class Items(_Response):
    items: list[Item]
    """Most popular first."""


class SimilarItems(_Response):
    item: Item
    version: str
    items: list[ScoredItem]


class ModelOut(_Response):
    version: str
    created: str
    metrics: dict[str, Any]
    """The leaderboard it was chosen by."""


class Models(_Response):
    active: str
    models: list[ModelOut]


class ErrorDetail(_Response):
    code: str
    message: str


class ErrorOut(_Response):
    """Every answer that is not 2xx has this shape."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"error": {"code": "not_found", "message": "No item is called '7'."}}]}
    )
    error: ErrorDetail
