"""Amazon reviews by category: of 2014 (McAuley et al. 2015) and of 2023 (Hou et al. 2024)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.data.sources.archives import lines, unpacked
from foretaste.data.sources.python_literals import record
from foretaste.data.sources.source import Fetched, Tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from foretaste.data.sources.source import Progress

COLUMNS: dict[str, Any] = {
    "item": pl.String,
    "title": pl.String,
    "brand": pl.String,
    "price": pl.Float64,
    "categories": pl.List(pl.String),
    "image": pl.String,
}


def read_2014(got: Fetched) -> Tables:
    """ratings_X.csv (user, item, rating, seconds; no header), meta_X.json.gz (dictionaries as Python prints them)."""
    ratings, meta = got.files
    events = pl.scan_csv(
        unpacked(ratings, "", got.scratch) if ratings.suffix == ".gz" else ratings,
        has_header=False,
        schema={"user": pl.String, "item": pl.String, "value": pl.Float32, "time": pl.Int64},
    ).select("user", "item", kind=pl.lit("rating"), time=pl.col("time") * 1_000_000, value="value")
    return Tables(events, _items(meta, got.progress))


def read_2023(got: Fetched) -> Tables:
    """X.csv.gz (user_id, parent_asin, rating, milliseconds) and meta_X.jsonl.gz; variants of a product are one item."""
    ratings, meta = got.files
    events = pl.scan_csv(
        unpacked(ratings, "", got.scratch), schema_overrides={"user_id": pl.String, "parent_asin": pl.String}
    ).select(
        user="user_id",
        item="parent_asin",
        kind=pl.lit("rating"),
        time=pl.col("timestamp").cast(pl.Int64) * 1_000,
        value=pl.col("rating").cast(pl.Float32),
    )
    return Tables(events, _items(meta, got.progress))


def _items(path: Path, progress: Progress) -> pl.DataFrame:
    """What a reader of a catalogue wants; reviews' counts and averages are left out, for they know the future."""
    rows: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for number, line in enumerate(lines(path)):
        if (found := record(line)) is not None and (item := found.get("parent_asin") or found.get("asin")):
            rows["item"].append(str(item))
            rows["title"].append(_text(found.get("title")))
            rows["brand"].append(_text(found.get("brand") or found.get("store")))
            rows["price"].append(_price(found.get("price")))
            rows["categories"].append(_words(found.get("categories")))
            rows["image"].append(_image(found))
        if number % 20_000 == 0:
            progress("reading the catalogue (items)", number, number + 1)
    progress("reading the catalogue (items)", 1, 1)
    return pl.DataFrame(rows, schema=COLUMNS).unique("item", keep="last", maintain_order=True)


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _price(value: object) -> float | None:
    """12.5, '12.50', '$12.50'; 'from 3.99' and '—' are no price."""
    try:
        return float(value.strip().lstrip("$")) if isinstance(value, str) else float(value)  # type: ignore[arg-type]  # refused below
    except (ValueError, TypeError):
        return None


def _words(value: object) -> list[str] | None:
    """Categories are a list (2023) or a list of paths (2014); each word once, in order."""
    if not isinstance(value, list):
        return None
    parts: Iterable[Any] = chain.from_iterable(part if isinstance(part, list) else [part] for part in value)
    return list(dict.fromkeys(part for part in parts if isinstance(part, str) and part)) or None


def _image(found: dict[str, Any]) -> str | None:
    """The address of the first picture."""
    if isinstance(found.get("imUrl"), str):
        return _text(found["imUrl"])
    images = found.get("images")
    if isinstance(images, list) and images and isinstance(images[0], dict):
        return _text(images[0].get("large") or images[0].get("thumb"))
    return None
