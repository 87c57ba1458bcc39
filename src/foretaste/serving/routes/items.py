"""The catalogue, and what goes with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from foretaste.api import Item, ItemDeleted, ItemIn, ItemPut, Items, N, Name, SimilarItems
from foretaste.serving.routes.responses import NOT_FOUND, as_json
from foretaste.serving.search.similarity import By

if TYPE_CHECKING:
    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.search.search_service import SearchService


def router(engine: Engine, desk: SearchService) -> APIRouter:
    routes = APIRouter(tags=["items"])

    @routes.get("/v1/items", response_model=Items)
    def popular(n: N = 24) -> Response:
        """Items, most popular first."""
        return as_json(engine.popular(n))

    # Before the item itself: ids may hold slashes, and would swallow the word.
    @routes.get("/v1/items/{item:name}/similar", response_model=SimilarItems, responses=NOT_FOUND)
    def similar(item: Name, n: N = 10, by: By | None = None) -> Response:
        """What goes with an item: by every model together, or by what is written of it, by how it looks, by who takes
        it, or by a blend of these three."""
        return as_json(engine.similar(item, n) if by is None else desk.similar(item, n, by))

    @routes.get("/v1/items/{item:name}", response_model=Item, responses=NOT_FOUND)
    def one_item(item: Name) -> Response:
        """What is known of an item."""
        return as_json(engine.item(item))

    @routes.put("/v1/items/{item:name}", response_model=ItemPut)
    def put_item(item: Name, body: ItemIn) -> Response:
        """A new item, or all that is known of an old one. It is offered within a second, without any training."""
        return as_json(engine.put_item(item, body))

    @routes.delete("/v1/items/{item:name}", response_model=ItemDeleted)
    def delete_item(item: Name) -> Response:
        """Offered to nobody from now on. What people did with it stays in their histories."""
        return as_json(engine.delete_item(item))

    return routes
