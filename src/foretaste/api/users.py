"""People: what they did, what is known of them, and how all of it goes away."""

from __future__ import annotations

from typing import Any

from foretaste.api.base import Columns, ColumnsIn, Name, Request, Response, request_example, response_example

PAST = {
    "item": "50",
    "title": "Star Wars (1977)",
    "kind": "rating",
    "time": "2026-11-01T10:00:00Z",
    "value": 5.0,
    "columns": {"year": 1977},
}


class HistoryEvent(Response):
    model_config = response_example(PAST)
    item: str
    title: str
    kind: str
    time: str | None
    value: float
    columns: Columns


class Profile(Response):
    model_config = response_example({"user": "ann", "events": 212, "history": [PAST]})
    user: str
    events: int
    history: list[HistoryEvent]
    """Newest first."""


class UserSummary(Response):
    id: str
    events: int


class Users(Response):
    model_config = response_example({"users": [{"id": "ann", "events": 212}]})
    users: list[UserSummary]
    """Most recently active first."""


class UserIn(Request):
    model_config = request_example({"columns": {"country": "DE", "member_since": 2019}})
    columns: ColumnsIn = {}
    """All that is known of the person beside what they did; what is left out is no longer known."""


class UserOut(UserSummary):
    model_config = response_example({"id": "ann", "events": 212, "columns": {"country": "DE"}})
    columns: Columns


class LessIn(Request):
    model_config = request_example({"item": "50"})
    item: Name
    """Not to be offered again, and less of what is like it."""
    id: Name | None = None
    """The client's id of this wish, so that a retry never counts twice; left out, one is made."""


class LessOut(Response):
    model_config = response_example({"user": "ann", "item": "50", "status": "accepted"})
    user: str
    item: str
    status: str


class HistoryRemoved(Response):
    model_config = response_example({"user": "ann", "removed": 1})
    user: str
    removed: int
    """Entries of the history that are gone."""


class ReceiptOut(Response):
    model_config = response_example(
        {"id": "r-3f9a1c", "at": "2026-11-21T10:00:00Z", "found": {"events": 212, "columns": 1}, "remarks": []}
    )
    id: str
    """Of the receipt. It names nobody."""
    at: str
    found: dict[str, int]
    """Where the person was found, and how often; all of it is gone."""
    remarks: list[str]


class Export(Response):
    """All that is kept of one person."""

    model_config = response_example(
        {"user": "ann", "columns": {"country": "DE"}, "events": [{"item": "50", "kind": "view"}], "answers": []}
    )
    user: str
    columns: dict[str, Any] | None
    events: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    """Lists the person was given, and what was asked; what was on them follows from the log."""
