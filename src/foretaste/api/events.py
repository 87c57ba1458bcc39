"""Schemas of events and of their results."""

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
    """A user interacted with an item, or was shown it."""

    id: Name
    """The client's id of this event. An event that is sent again with the same id never counts twice."""
    user: Name
    item: Name
    type: Literal["interaction", "shown"] = "interaction"
    """shown: an impression, the item was displayed to the user; its kind is then 'shown'."""
    kind: Name | None = None
    """Event kind: view, buy, rating, … Default: `default_kind` of foretaste.toml, else the first positive kind."""
    time: Time | None = None
    """Default: now."""
    value: Value | None = None
    """Strength of the event, such as a rating or the share of a film that was watched. Default: 1."""
    recommendation_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    """The recommendation_id of the list that led to this event."""
    position: Annotated[int, Field(ge=1, le=MAX_N)] | None = None
    """Position of the item in that list, from 1."""
    scene: Name | None = None
    """The scene in which the item was shown."""
    session: Name | None = None
    """The client's id of the session."""

    @property
    def context(self) -> str | None:
        """The context of the event as JSON: recommendation, position, scene, session; None without any."""
        context = self.model_dump(include={"recommendation_id", "position", "scene", "session"}, exclude_none=True)
        return json.dumps(context, sort_keys=True, ensure_ascii=False) if context else None


class ItemEventIn(Request):
    """An item was added or changed; the same as PUT /v1/items/{id}."""

    id: Name
    type: Literal["item"]
    item: Name
    columns: ColumnsIn = {}
    hidden: bool = False


class UserEventIn(Request):
    """A user's attributes; the same as PUT /v1/users/{id}."""

    id: Name
    type: Literal["user"]
    user: Name
    columns: ColumnsIn = {}


class SearchEventIn(Request):
    """A user searched. Models may use the text; the event is not tied to an item."""

    id: Name
    type: Literal["search"]
    user: Name
    text: Name
    time: Time | None = None
    """Default: now."""


class InvalidEvent(BaseModel):
    """An element of a batch that is not a valid event."""

    id: str | None
    why: str


def parse_event(given: object) -> EventIn | ItemEventIn | UserEventIn | SearchEventIn | InvalidEvent:
    """One element of a batch as an event; an invalid one becomes InvalidEvent, so that it does not fail the others."""
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
    """accepted: stored. duplicate: the same event is stored already. conflict: another event with this id is stored.
    rejected: invalid, not stored."""
    why: str | None = None
    """Why the event was not accepted; or a remark about an accepted event."""


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
    """Number of events that were stored by this request."""
    results: list[EventResult]
    """One result per event, in the order sent."""
