"""Texts of items for encoders and search: which columns, without markup and links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.errors import DataError
from foretaste.features.html import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.items import ItemTable

LINK = r"^(?:https?|s3|gs|file|data):|\.(?:jpe?g|png|webp|gif|svg)$"
MOSTLY = 0.9
"""Share of values that are links above which a column counts as links and is not read."""


def item_texts(items: ItemTable, pieces: Sequence[str] | None = None, *, named: bool = True) -> list[str]:
    """(n_items,) text of each item as of `ItemTable.texts`, without markup; pieces None: all but links."""
    pieces = readable_columns(items) if pieces is None else pieces
    return items.texts(pieces, named=named, tidied=_without_markup)


def readable_columns(items: ItemTable) -> list[str]:
    """Names of the columns of strings and string lists, the title first, without columns of links."""
    return [name for name in items.text_columns() if name == items.title or not _is_links(items.frame[name])]


def with_reviews(items: ItemTable, reviews: pl.DataFrame, *, most: int = 5, column: str = "reviews") -> ItemTable:
    """The catalogue with one more column: the newest `most` reviews of each item, newest first.

    reviews : columns item, text and, optionally, time; without it the last rows are the newest.
              DataError where item or text is missing
    """
    if missing := {"item", "text"} - set(reviews.columns):
        raise DataError(f"The reviews have no column '{missing.pop()}'. They have: {', '.join(reviews.columns)}.")
    written = reviews.filter(pl.col("text").str.strip_chars() != "")
    newest_first = (
        written.sort("time", maintain_order=True).reverse() if "time" in reviews.columns else written.reverse()
    )
    of_item = newest_first.group_by(pl.col("item").cast(pl.String), maintain_order=True).agg(pl.col("text").head(most))
    joined = items.ids.names.alias("item").to_frame().join(of_item, on="item", how="left", maintain_order="left")
    frame = items.frame.with_columns(joined["text"].alias(column))
    return type(items)(items.ids, frame, items.title)


def _without_markup(column: pl.Series) -> pl.Series:
    has_markup = column.str.contains(r"[<&]|\s\s|^\s|\s$|[\t\n\r]").fill_null(False)
    if not has_markup.any():
        return column
    cleaned = iter([plain_text(text) for text in column.filter(has_markup).to_list()])
    words = [next(cleaned) if bad else text for text, bad in zip(column, has_markup, strict=True)]
    return pl.Series(words, dtype=pl.String)


def _is_links(column: pl.Series) -> bool:
    values = column.drop_nulls()
    if isinstance(values.dtype, pl.List):
        values = values.list.explode().drop_nulls()
    return len(values) > 0 and int(values.str.contains(LINK).sum()) >= MOSTLY * len(values)
