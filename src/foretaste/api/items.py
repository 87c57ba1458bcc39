"""Schemas of items of the catalogue."""

from __future__ import annotations

from foretaste.api.base import Columns, ColumnsIn, Request, Response, request_example, response_example


class ItemIn(Request):
    model_config = request_example({"columns": {"title": "Alien (1979)", "genres": ["Horror", "Sci-Fi"]}})
    columns: ColumnsIn = {}
    """All columns of the item; they replace its earlier columns."""
    hidden: bool = False
    """Never recommend the item, until it is put again without this."""


class Item(Response):
    model_config = response_example(
        {"id": "50", "title": "Star Wars (1977)", "columns": {"genres": ["Action"], "year": 1977}}
    )
    id: str
    title: str
    columns: Columns
    """The other columns of the catalogue."""
    hidden: bool = False
    """Whether the item is in the catalogue but never recommended."""


class ItemPut(Item):
    model_config = response_example(
        {
            "id": "50",
            "title": "Star Wars (1977)",
            "columns": {"price": "3,50"},
            "remarks": [
                "Kept; but 'price' holds numbers like 9.9, and \"3,50\" is not a number, so filters on it "
                "do not find this item."
            ],
        }
    )
    remarks: list[str] | None = None
    """Columns whose values have another type than those of the other items, so that filters miss this item."""


class ItemDeleted(Response):
    model_config = response_example({"id": "50", "deleted": True})
    id: str
    deleted: bool
    """False if there was no such item."""


class ScoredItem(Item):
    model_config = response_example(
        {"id": "172", "title": "The Empire Strikes Back (1980)", "columns": {}, "score": 0.05}
    )
    score: float
    """Comparable within this list only."""


class Items(Response):
    model_config = response_example({"items": [{"id": "50", "title": "Star Wars (1977)", "columns": {"year": 1977}}]})
    items: list[Item]
    """Most popular first."""


class SimilarItems(Response):
    model_config = response_example(
        {
            "item": {"id": "50", "title": "Star Wars (1977)", "columns": {}},
            "version": "20261121-100000-3f9a1c",
            "items": [{"id": "172", "title": "The Empire Strikes Back (1980)", "columns": {}, "score": 0.05}],
        }
    )
    item: Item
    version: str
    items: list[ScoredItem]
    by: list[str] | None = None
    """The similarity measures that were used, where the request named one: text, picture, behaviour."""
