"""Who is there, what they did, and how they take it back."""

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
    def people(n: N = 20) -> Response:
        """People, most recently active first."""
        return as_json(engine.people(n))

    # Before the person themselves: ids may hold slashes, and would swallow the words.
    @routes.get("/v1/users/{user:name}/profile", response_model=Profile)
    def profile(user: Name, n: N = 50) -> Response:
        """What a person did, newest first; nothing for somebody nobody has heard of."""
        return as_json(engine.profile(user, n))

    @routes.get("/v1/users/{user:name}/export", response_model=Export, responses=NOT_FOUND)
    def export(user: Name) -> Response:
        """All that is kept of one person, for that person."""
        return as_json(engine.users.export(user))

    @routes.post("/v1/users/{user:name}/less", response_model=LessOut)
    def less(user: Name, body: LessIn) -> Response:
        """The person wants less of this: the item is not offered again, and what is like it less."""
        return as_json(engine.users.less(user, body))

    @routes.delete("/v1/users/{user:name}/history", response_model=HistoryRemoved)
    def forget(
        user: Name,
        item: Name | None = None,
        kind: Name | None = None,
        time: Annotated[str | None, Query(max_length=40, description="Of one entry, as the profile writes it.")] = None,
        everything: Annotated[bool, Query(alias="all", description="All of the history: a new beginning.")] = False,
    ) -> Response:
        """Take entries out of a history: those of an item (of one kind, at one time), or all of them."""
        if everything == (item is not None) or (everything and (kind is not None or time is not None)):
            raise DataError("Say which: item=… (and kind, time), or all=true for all of the history.")
        if item is None:
            return as_json(engine.users.reset(user))
        return as_json(engine.users.forget(user, item, kind, _moment(time)))

    @routes.get("/v1/users/{user:name}", response_model=UserOut, responses=NOT_FOUND)
    def one_user(user: Name) -> Response:
        """What is known of a person beside what they did."""
        return as_json(engine.users.get(user))

    @routes.put("/v1/users/{user:name}", response_model=UserOut)
    def put_user(user: Name, body: UserIn) -> Response:
        """Say what is known of a person; it replaces what was known before."""
        return as_json(engine.users.put(user, body))

    @routes.delete("/v1/users/{user:name}", response_model=ReceiptOut)
    def erase(user: Name) -> Response:
        """Erase every trace of a person, with a receipt. Done again, it finds nothing."""
        return as_json(engine.users.erase(user))

    return routes


def _moment(time: str | None) -> int | None:
    if time is None:
        return None
    try:
        return parse_time(time)
    except ValueError as error:
        raise DataError(f"time: {error}.") from None
