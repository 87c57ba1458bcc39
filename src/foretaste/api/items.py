"""The catalogue."""

from __future__ import annotations

from foretaste.api.base import Columns, ColumnsIn, Request, Response, request_example, response_example


class ItemIn(Request):
    model_config = request_example({"columns": {"title": "Alien (1979)", "genres": ["Horror", "Sci-Fi"]}})
    columns: ColumnsIn = {}
    """All that is known of it; what is left out is no longer known. The column of titles is what people read first."""
    hidden: bool = False
    """Not offered to anybody, until it is put again without."""


class Item(Response):
    model_config = response_example(
        {"id": "50", "title": "Star Wars (1977)", "columns": {"genres": ["Action"], "year": 1977}}
    )
    id: str
    title: str
    columns: Columns
    """What else the catalogue knows."""
    hidden: bool = False
    """Known, but offered to nobody."""


class ItemPut(Item):
    model_config = response_example(
        {
            "id": "50",
            "title": "Star Wars (1977)",
            "columns": {"price": "3,50"},
            "remarks": [
                "Kept; but 'price' holds numbers like 9.9, and \"3,50\" is none of these, so that filters over it do "
                "not find this item."
            ],
        }
    )
    remarks: list[str] | None = None
    """What to know of it: columns that hold something else than those of the other items."""


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
    """What spoke for them, where it was asked: text, picture, behaviour."""
