"""Finding items by words, by meaning and by taste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Response

from foretaste.serving.routes.recommendations import WANTED, _filter
from foretaste.serving.routes.sending import as_json
from foretaste.serving.schemas import N, Name
from foretaste.serving.schemas.search import Found
from foretaste.serving.searching import SearchDesk

if TYPE_CHECKING:
    from foretaste.serving.engine import Engine

Personal = Annotated[float, Query(ge=0, le=10, description="Weight of the person's taste; 0 answers everybody alike.")]


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["search"])
    desk = SearchDesk(engine)

    @routes.get("/v1/search", response_model=Found)
    def search(
        q: Name,
        user: Name | None = None,
        n: N = 10,
        personal: Personal | None = None,
        filter: Annotated[str | None, Query(max_length=4_096, description=WANTED)] = None,
    ) -> Response:
        """The items that answer a question best, slips of the finger forgiven; for a person, in the order they like."""
        return as_json(desk.find(q, n, user=user, personal=personal, wanted=_filter(filter)))

    return routes
