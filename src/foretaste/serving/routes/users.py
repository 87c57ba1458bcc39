"""Routes of users: attributes, history, export and erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Response

from foretaste.api import (
    Export,
    HistoryRemoved,
    LessIn,
    LessOut,
    N,
    Name,
    Profile,
    ReceiptOut,
    UserIn,
    UserOut,
    Users,
    parse_time,
)
from foretaste.errors import DataError
from foretaste.serving.routes.responses import NOT_FOUND, as_json

if TYPE_CHECKING:
    from foretaste.serving.answering.engine import Engine


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["users"])

    @routes.get("/v1/users", response_model=Users)
    def users(n: N = 20) -> Response:
        """The n most recently active users."""
        return as_json(engine.people(n))

    # Before the route of the user itself: an id may contain slashes and would match the whole path.
    @routes.get("/v1/users/{user:name}/profile", response_model=Profile)
    def profile(user: Name, n: N = 50) -> Response:
        """The latest n events of a user, newest first; an empty history for an unknown user."""
        return as_json(engine.profile(user, n))

    @routes.get("/v1/users/{user:name}/export", response_model=Export, responses=NOT_FOUND)
    def export(user: Name) -> Response:
        """All data stored about a user (GDPR Art. 15). 404 where nothing is stored."""
        return as_json(engine.users.export(user))

    @routes.post("/v1/users/{user:name}/less", response_model=LessOut)
    def less(user: Name, body: LessIn) -> Response:
        """Record a dislike: the item is not recommended to the user again, and similar items are ranked lower."""
        return as_json(engine.users.less(user, body))

    @routes.delete("/v1/users/{user:name}/history", response_model=HistoryRemoved)
    def forget(
        user: Name,
        item: Name | None = None,
        kind: Name | None = None,
        time: Annotated[str | None, Query(max_length=40, description="Time of one entry, as in the profile.")] = None,
        everything: Annotated[bool, Query(alias="all", description="Remove the whole history.")] = False,
    ) -> Response:
        """Remove entries from a user's history: those of an item (of one kind, at one time), or all of them."""
        if everything == (item is not None) or (everything and (kind is not None or time is not None)):
            raise DataError("Name what to remove: item=… (with kind and time), or all=true for the whole history.")
        if item is None:
            return as_json(engine.users.reset(user))
        return as_json(engine.users.forget(user, item, kind, _moment(time)))

    @routes.get("/v1/users/{user:name}", response_model=UserOut, responses=NOT_FOUND)
    def one_user(user: Name) -> Response:
        """The attributes of a user and the number of their events. 404 for an unknown user."""
        return as_json(engine.users.get(user))

    @routes.put("/v1/users/{user:name}", response_model=UserOut)
    def put_user(user: Name, body: UserIn) -> Response:
        """Set the attributes of a user; they replace the earlier ones."""
        return as_json(engine.users.put(user, body))

    @routes.delete("/v1/users/{user:name}", response_model=ReceiptOut)
    def erase(user: Name) -> Response:
        """Erase all data of a user (GDPR Art. 17) and return a receipt. A second call finds nothing."""
        return as_json(engine.users.erase(user))

    return routes


def _moment(time: str | None) -> int | None:
    if time is None:
        return None
    try:
        return parse_time(time)
    except ValueError as error:
        raise DataError(f"time: {error}.") from None
