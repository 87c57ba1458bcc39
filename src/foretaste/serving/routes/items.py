"""Routes of the catalogue and of similar items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from foretaste.api import Item, ItemDeleted, ItemIn, ItemPut, Items, N, Name, SimilarItems
from foretaste.serving.routes.responses import NOT_FOUND, as_json
from foretaste.serving.search.similarity import By

if TYPE_CHECKING:
    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.search.search_service import SearchService


def router(engine: Engine, search_service: SearchService) -> APIRouter:
    routes = APIRouter(tags=["items"])

    @routes.get("/v1/items", response_model=Items)
    def popular(n: N = 24) -> Response:
        """The n most popular items."""
        return as_json(engine.popular(n))

    # Before the route of the item itself: an id may contain slashes and would match the whole path.
    @routes.get("/v1/items/{item:name}/similar", response_model=SimilarItems, responses=NOT_FOUND)
    def similar(item: Name, n: N = 10, by: By | None = None) -> Response:
        """Items similar to an item.

        By default all models decide together. `by` chooses one measure: text, picture, behaviour (users who have both),
        or blend (all three in equal parts). 404 for an unknown item, 503 while texts or pictures are still being read.
        """
        return as_json(engine.similar(item, n) if by is None else search_service.similar(item, n, by))

    @routes.get("/v1/items/{item:name}", response_model=Item, responses=NOT_FOUND)
    def one_item(item: Name) -> Response:
        """One item with its columns."""
        return as_json(engine.item(item))

    @routes.put("/v1/items/{item:name}", response_model=ItemPut)
    def put_item(item: Name, body: ItemIn) -> Response:
        """Add an item, or replace all columns of one. It can be recommended within a second, without training."""
        return as_json(engine.put_item(item, body))

    @routes.delete("/v1/items/{item:name}", response_model=ItemDeleted)
    def delete_item(item: Name) -> Response:
        """Remove an item from the catalogue: it is not recommended any more, but stays in users' histories."""
        return as_json(engine.delete_item(item))

    return routes
