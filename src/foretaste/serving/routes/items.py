"""The catalogue, and what goes with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from foretaste.serving.routes.sending import as_json
from foretaste.serving.schemas import ErrorOut, Item, Items, N, Name, SimilarItems

if TYPE_CHECKING:
    from foretaste.serving.engine import Engine


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["items"])

    @routes.get("/v1/items", response_model=Items)
    def popular(n: N = 24) -> Response:
        """Items, most popular first."""
        return as_json(engine.popular(n))

    # Before the item itself: ids may hold slashes, and would swallow the word.
    @routes.get("/v1/items/{item:path}/similar", response_model=SimilarItems, responses={404: {"model": ErrorOut}})
    def similar(item: Name, n: N = 10) -> Response:
        """What goes with an item."""
        return as_json(engine.similar(item, n))

    @routes.get("/v1/items/{item:path}", response_model=Item, responses={404: {"model": ErrorOut}})
    def one_item(item: Name) -> Response:
        """What is known of an item."""
        return as_json(engine.item(item))

    return routes
