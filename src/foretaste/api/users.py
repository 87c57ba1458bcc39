"""Schemas of users: their history, their attributes, export and erasure."""

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
    """Number of events in the history."""


class Users(Response):
    model_config = response_example({"users": [{"id": "ann", "events": 212}]})
    users: list[UserSummary]
    """Most recently active first."""


class UserIn(Request):
    model_config = request_example({"columns": {"country": "DE", "member_since": 2019}})
    columns: ColumnsIn = {}
    """All attributes of the user; they replace the earlier ones."""


class UserOut(UserSummary):
    model_config = response_example({"id": "ann", "events": 212, "columns": {"country": "DE"}})
    columns: Columns


class LessIn(Request):
    model_config = request_example({"item": "50"})
    item: Name
    """The item that is not recommended to the user again; similar items are ranked lower."""
    id: Name | None = None
    """The client's id of this event, so that a retry never counts twice. Default: a new one."""


class LessOut(Response):
    model_config = response_example({"user": "ann", "item": "50", "status": "accepted"})
    user: str
    item: str
    status: str


class HistoryRemoved(Response):
    model_config = response_example({"user": "ann", "removed": 1})
    user: str
    removed: int
    """Number of history entries that were removed."""


class ReceiptOut(Response):
    model_config = response_example(
        {"id": "r-3f9a1c", "at": "2026-11-21T10:00:00Z", "found": {"events": 212, "columns": 1}, "remarks": []}
    )
    id: str
    """Id of the receipt, which contains no name."""
    at: str
    found: dict[str, int]
    """Where data of the user was found, and how many entries; all of it was erased."""
    remarks: list[str]
    """What the erasure does not reach, such as backups."""


class Export(Response):
    """All data stored about one user."""

    model_config = response_example(
        {"user": "ann", "columns": {"country": "DE"}, "events": [{"item": "50", "kind": "view"}], "answers": []}
    )
    user: str
    columns: dict[str, Any] | None
    events: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    """The recorded recommendation requests of the user; the lists themselves can be replayed from the log."""
