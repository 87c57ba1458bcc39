"""Events in, one result each out."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PlainValidator, ValidationError

from foretaste.api.base import (
    ColumnsIn,
    Name,
    Request,
    Response,
    Time,
    Value,
    is_valid_unicode,
    request_example,
    response_example,
    validation_message,
)
from foretaste.api.limits import MAX_EVENTS, MAX_N, MAX_TEXT
from foretaste.events.model import Status


class EventIn(Request):
    """Somebody did something to an item, or was shown it."""

    id: Name
    """The client's own id for this event; sent again, it never counts twice."""
    user: Name
    item: Name
    type: Literal["interaction", "shown"] = "interaction"
    """shown: the item was put before the person's eyes; its kind is 'shown'."""
    kind: Name | None = None
    """view, buy, rating, …; left out, default_kind of foretaste.toml or the first that says one wanted the item."""
    time: Time | None = None
    """Left out, now."""
    value: Value | None = None
    """A rating, a share watched; left out, 1."""
    recommendation_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    """Of the answer the person acted on."""
    position: Annotated[int, Field(ge=1, le=MAX_N)] | None = None
    """Place of the item in that answer, from 1."""
    scene: Name | None = None
    session: Name | None = None

    @property
    def context(self) -> str | None:
        """What is kept with the event of where it happened."""
        said = self.model_dump(include={"recommendation_id", "position", "scene", "session"}, exclude_none=True)
        return json.dumps(said, sort_keys=True, ensure_ascii=False) if said else None


class ItemEventIn(Request):
    """An item is new or changed, as PUT /v1/items/{id}."""

    id: Name
    type: Literal["item"]
    item: Name
    columns: ColumnsIn = {}
    hidden: bool = False


class UserEventIn(Request):
    """What is known of a person, as PUT /v1/users/{id}."""

    id: Name
    type: Literal["user"]
    user: Name
    columns: ColumnsIn = {}


class SearchEventIn(Request):
    """Somebody searched for something; it helps to guess what they want, and is no item's event."""

    id: Name
    type: Literal["search"]
    user: Name
    text: Name
    time: Time | None = None
    """Left out, now."""


class InvalidEvent(BaseModel):
    """An element of a batch that is not an event."""

    id: str | None
    why: str


def parse_event(given: object) -> EventIn | ItemEventIn | UserEventIn | SearchEventIn | InvalidEvent:
    """One event of a batch; a bad one is set aside, for it must not fail the others."""
    if not isinstance(given, dict):
        return InvalidEvent(id=None, why="An event is an object with id, user and item.")
    kind = given.get("type")
    schema = SCHEMAS.get(kind, EventIn) if isinstance(kind, str) else EventIn
    try:
        return schema.model_validate(given)  # type: ignore[attr-defined]  # mypy joins them to a base
    except ValidationError as error:
        event_id = given.get("id")
        shown = (
            event_id if isinstance(event_id, str) and len(event_id) <= MAX_TEXT and is_valid_unicode(event_id) else None
        )
        return InvalidEvent(id=shown, why=validation_message(error.errors(include_url=False, include_input=False)[0]))


AnyEvent = EventIn | ItemEventIn | UserEventIn | SearchEventIn | InvalidEvent
SCHEMAS = {"item": ItemEventIn, "user": UserEventIn, "search": SearchEventIn}


class EventsIn(Request):
    model_config = request_example(
        {
            "events": [
                {"id": "e-1", "user": "ann", "item": "50", "kind": "view", "time": "2026-11-01T10:00:00Z"},
                {"id": "e-2", "user": "ann", "item": "172", "type": "shown", "position": 1},
            ]
        }
    )
    events: Annotated[
        list[
            Annotated[
                AnyEvent,
                PlainValidator(parse_event, json_schema_input_type=EventIn | ItemEventIn | UserEventIn | SearchEventIn),
            ]
        ],
        Field(max_length=MAX_EVENTS),
    ]


class EventResult(Response):
    id: str | None
    status: Status
    why: str | None = None
    """What is wrong with it; or, of an accepted event, what to know about it."""


class EventsOut(Response):
    model_config = response_example(
        {
            "accepted": 1,
            "results": [
                {"id": "e-1", "status": "accepted", "why": None},
                {"id": "e-2", "status": "duplicate", "why": None},
            ],
        }
    )
    accepted: int
    results: list[EventResult]
    """One per event, in the order sent."""
