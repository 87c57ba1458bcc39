"""What is read of each item: which fields, in which words, without markup."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

import polars as pl

from foretaste.errors import ConfigError, DataError
from foretaste.features.html import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.items import ItemTable

LINK = r"^(?:https?|s3|gs|file|data):|\.(?:jpe?g|png|webp|gif|svg)$"
MOSTLY = 0.9
"""A column is links when this share of its values are; nobody learns what an item is from its address."""


def item_texts(items: ItemTable, pieces: Sequence[str] | None = None) -> list[str]:
    """(n_items,) one text per item, '' where nothing is known: 'Alien (1979). genres: Horror, Sci-Fi'.

    pieces : read one after the other. A piece is a column ('genres') or a template ('made by {brand} in {country}');
             where a field of it is empty, the whole piece is left out. None reads every column of words but links,
             the title first
    """
    if pieces is None:
        pieces = readable_columns(items)
    parts = [_piece(items, piece) for piece in pieces]
    if not parts:
        return [""] * len(items)
    frame = pl.DataFrame([part.alias(str(i)) for i, part in enumerate(parts)])
    return frame.select(pl.concat_str(pl.all(), separator=". ", ignore_nulls=True)).to_series().fill_null("").to_list()


def readable_columns(items: ItemTable) -> list[str]:
    """Columns of words and of lists of words, the title first; no links."""
    return [name for name in items.text_columns() if name == items.title or not _links(items.frame[name])]


def with_reviews(items: ItemTable, reviews: pl.DataFrame, *, most: int = 5, column: str = "reviews") -> ItemTable:
    """The catalogue with one more column: what people wrote about each item, the newest `most`, in that order.

    reviews : columns item, text and, where there is one, time; without it the last rows are the newest
    """
    if missing := {"item", "text"} - set(reviews.columns):
        raise DataError(f"The reviews have no column '{missing.pop()}'. They have: {', '.join(reviews.columns)}.")
    written = reviews.filter(pl.col("text").str.strip_chars() != "")
    newest_first = (
        written.sort("time", maintain_order=True).reverse() if "time" in reviews.columns else written.reverse()
    )
    said = newest_first.group_by(pl.col("item").cast(pl.String), maintain_order=True).agg(pl.col("text").head(most))
    joined = items.ids.names.alias("item").to_frame().join(said, on="item", how="left", maintain_order="left")
    frame = items.frame.with_columns(joined["text"].alias(column))
    return type(items)(items.ids, frame, items.title)


def _piece(items: ItemTable, piece: str) -> pl.Series:
    """(n_items,) the piece filled in; null where a field of it is empty."""
    if "{" not in piece:
        name = "" if piece == items.title else f"{piece}: "
        return _filled(items, [(name, piece)])
    try:
        parsed = [(literal, field) for literal, field, _, _ in Formatter().parse(piece)]
    except ValueError as error:
        raise ConfigError(f"The template '{piece}' cannot be read ({error}); write it like 'by {{brand}}'.") from None
    if not any(field for _, field in parsed):
        raise ConfigError(f"The template '{piece}' names no column; write it like 'by {{brand}}'.")
    return _filled(items, parsed)


def _filled(items: ItemTable, parsed: Sequence[tuple[str, str | None]]) -> pl.Series:
    parts: list[pl.Series] = []
    for literal, field in parsed:
        if literal:
            parts.append(pl.Series([literal]).new_from_index(0, len(items)))
        if field:
            parts.append(_words(items, field))
    frame = pl.DataFrame([part.alias(str(i)) for i, part in enumerate(parts)])
    return frame.select(pl.concat_str(pl.all())).to_series()


def _words(items: ItemTable, name: str) -> pl.Series:
    """A column as plain words; null where there are none."""
    if name not in items.frame.columns:
        raise DataError(f"The item table has no column '{name}'. It has: {', '.join(items.frame.columns)}.")
    column = items.frame[name]
    if isinstance(column.dtype, pl.List):
        column = column.cast(pl.List(pl.String)).list.drop_nulls().list.join(", ")
    column = column.cast(pl.String)
    untidy = column.str.contains(r"[<&]|\s\s|^\s|\s$|[\t\n\r]").fill_null(False)
    if untidy.any():
        tidied = iter([plain_text(text) for text in column.filter(untidy).to_list()])
        column = pl.Series(
            [next(tidied) if bad else text for text, bad in zip(column, untidy, strict=True)], dtype=pl.String
        )
    return column.set(column == "", None)


def _links(column: pl.Series) -> bool:
    values = column.drop_nulls()
    if isinstance(values.dtype, pl.List):
        values = values.list.explode().drop_nulls()
    return len(values) > 0 and int(values.str.contains(LINK).sum()) >= MOSTLY * len(values)
