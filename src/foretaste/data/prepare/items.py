"""Cleaning of the item table: missing numbers filled, HTML removed from texts."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.data.prepare.config import PrepareConfig

SILENT = ("script", "style", "template", "noscript")
"""Elements whose content is not text for readers."""
APART = (
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "form", "header", "hr"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "li", "main", "nav", "ol", "option", "p", "pre", "section"),
    *("table", "td", "th", "title", "tr", "ul"),
)
"""Tags that separate words; <b>, <i>, <span> do not: 'un<b>believ</b>able' is one word."""


def fill_numbers(data: Dataset, config: PrepareConfig) -> tuple[Dataset, str] | None:
    """Fill missing numbers of the item table by the configured rule; missing texts and lists stay null."""
    rule, frame = config.missing_numbers, data.items.frame
    if rule == "keep":
        return None
    filled = []
    for column in frame.iter_columns():
        if not column.dtype.is_numeric() or not (missing := _missing(column)):
            continue
        known = column.cast(pl.Float64).fill_nan(None)
        if not known.count():
            continue
        numbers = known.drop_nulls().to_numpy()
        by = 0.0 if rule == "zero" else float(np.median(numbers) if rule == "median" else np.mean(numbers))
        filling = known.fill_null(by)
        whole = column.dtype.is_integer() and by.is_integer()
        filled.append((filling.cast(column.dtype) if whole else filling, f"{missing:,} of {column.name} ({by:g})"))
    said = "; ".join(note for _, note in filled) or "none"
    items = replace(data.items, frame=frame.with_columns(values for values, _ in filled))
    return replace(data, items=items), f"Missing numbers of the items by the {rule}: {said}."


def _missing(column: pl.Series) -> int:
    return column.null_count() + (int(column.is_nan().sum()) if column.dtype.is_float() else 0)


def strip_texts(data: Dataset, config: PrepareConfig) -> tuple[Dataset, str] | None:
    """Remove tags, scripts and entities from every text column."""
    if not config.strip_html:
        return None
    frame, changed = data.items.frame, 0
    columns = []
    for column in frame.iter_columns():
        if column.dtype == pl.String:
            stripped = _stripped(column)
        elif column.dtype == pl.List(pl.String):
            odd, plain = _plain(column.explode())
            words = pl.element().replace(odd, pl.Series(plain, dtype=pl.String))
            stripped = column.to_frame().select(pl.col(column.name).list.eval(words)).to_series() if odd else column
        else:
            continue
        changed += int((stripped != column).sum())
        columns.append(stripped)
    items = replace(data.items, frame=frame.with_columns(columns))
    return replace(data, items=items), f"HTML taken out of {changed:,} texts."


def _stripped(texts: pl.Series) -> pl.Series:
    odd, plain = _plain(texts)
    return texts.replace(odd, pl.Series(plain, dtype=pl.String)) if odd else texts


def _plain(texts: pl.Series) -> tuple[list[str], list[str]]:
    """The distinct texts that may hold HTML, and the visible text of each."""
    odd = texts.filter(texts.str.contains(r"<[a-zA-Z/!]|&[#a-zA-Z]").fill_null(False)).unique().to_list()
    return odd, [plain_text(text) for text in odd]


def plain_text(text: str) -> str:
    """The visible text of an HTML fragment.

    >>> plain_text("<p>Caf&eacute; &amp; bar<br>now <b>op</b>en</p><script>x()</script> 3 < 4")
    'Café & bar now open 3 < 4'
    """
    parser = _Words()
    parser.feed(text)
    parser.close()
    return " ".join("".join(parser.parts).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        if tag in APART:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.silent = max(0, self.silent - (tag in SILENT))
        if tag in APART:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)
