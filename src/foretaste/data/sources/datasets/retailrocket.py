"""RetailRocket: views, carts and purchases of a shop, and the tree of its categories."""

from __future__ import annotations

import polars as pl

from foretaste.data.sources.archives import unpacked
from foretaste.data.sources.source import Fetched, Tables

KINDS = {"view": "view", "addtocart": "cart", "transaction": "buy"}


def read(got: Fetched) -> Tables:
    """The zip from Kaggle. An item's category is the first one it had: later ones were not known yet."""
    (archive,) = got.files
    events = pl.scan_csv(unpacked(archive, "events.csv", got.scratch)).select(
        user="visitorid",
        item="itemid",
        kind=pl.col("event").replace(KINDS),
        time=pl.col("timestamp").cast(pl.Int64) * 1_000,
    )
    properties = pl.concat(
        pl.scan_csv(unpacked(archive, f"item_properties_part{part}.csv", got.scratch), infer_schema=False)
        for part in (1, 2)
    )
    items = (
        properties.filter(pl.col("property") == "categoryid")
        .select(item=pl.col("itemid").cast(pl.Int64), at=pl.col("timestamp").cast(pl.Int64), category="value")
        .sort("at", maintain_order=True)
        .unique("item", keep="first", maintain_order=True)
        .select("item", "category")
        .sort("item")
        .collect()
    )
    tree = pl.read_csv(unpacked(archive, "category_tree.csv", got.scratch), infer_schema=False)
    facts = pl.concat(
        [
            items.select(head=pl.col("item").cast(pl.String), relation=pl.lit("category"), tail=_category("category")),
            tree.drop_nulls().select(
                head=_category("categoryid"), relation=pl.lit("parent"), tail=_category("parentid")
            ),
        ]
    )
    return Tables(events, items, relations={"categories": facts})


def _category(column: str) -> pl.Expr:
    """Categories and items are both numbers; as things of one graph they need names of their own."""
    return pl.format("category {}", pl.col(column))
