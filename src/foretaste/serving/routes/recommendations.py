"""Routes of recommendations: for a user, for several users, for a guest with a history; ranking of given items."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Response
from pydantic import JsonValue, TypeAdapter, ValidationError

from foretaste.api import BatchIn, BatchOut, Cursor, Filter, GuestIn, N, Name, RankIn, Recommendations
from foretaste.errors import DataError
from foretaste.serving.routes.responses import GONE, as_json

if TYPE_CHECKING:
    from foretaste.serving.answering.engine import Engine

FILTER = TypeAdapter(Filter)
FILTER_DESCRIPTION = 'Conditions on the columns of items, as JSON: {"genres": ["Drama"]}.'


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["recommendations"])

    @routes.get("/v1/users/{user:name}/recommendations", response_model=Recommendations, responses=GONE)
    def for_user(
        user: Name,
        n: N = 10,
        explain: bool = False,
        scene: Name | None = None,
        filter: Annotated[str | None, Query(max_length=4_096, description=FILTER_DESCRIPTION)] = None,
        cursor: Cursor | None = None,
    ) -> Response:
        """The best items for a user now.

        A user without a history gets what is popular among users with the same attributes (PUT /v1/users/{id}), where a
        model was trained on them, otherwise what is popular. 410 where the bundle of the cursor is no longer loaded.
        """
        wanted = _filter(filter)
        return as_json(engine.for_user(user, n, explain=explain, scene=scene, filter=wanted, cursor=cursor))

    @routes.post("/v1/recommendations", response_model=Recommendations, responses=GONE)
    def for_guest(body: GuestIn) -> Response:
        """The best items for a guest with the history in the body. Nothing is stored.

        410 where the bundle of the cursor is no longer loaded.
        """
        return as_json(engine.for_guest(body))

    @routes.post("/v1/recommendations/batch", response_model=BatchOut)
    def for_users(body: BatchIn) -> Response:
        """Lists for up to 100 users at once, all from the same bundle: for mails and for filling caches."""
        return as_json(engine.for_users(body))

    @routes.post("/v1/rank", response_model=Recommendations)
    def rank(body: RankIn) -> Response:
        """Rank the given items for a user or guest. Items that may not be recommended are left out."""
        return as_json(engine.rank(body))

    return routes


def _filter(text: str | None) -> dict[str, JsonValue]:
    if text is None:
        return {}
    try:
        return FILTER.validate_python(json.loads(text))
    except (ValidationError, ValueError, RecursionError):
        raise DataError('filter: write a JSON object of columns and values, such as {"genres": ["Drama"]}.') from None
