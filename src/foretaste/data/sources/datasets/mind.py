"""MIND, the Microsoft News Dataset (Wu et al. 2020): what was shown, and what was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.sources.archives import unpacked
from foretaste.data.sources.source import Fetched, Tables

if TYPE_CHECKING:
    from pathlib import Path

BEHAVIOURS = ["impression", "user", "at", "history", "shown"]
NEWS = ["item", "category", "subcategory", "title", "abstract", "url", "title_entities", "abstract_entities"]
SECOND = 1_000_000


def read(got: Fetched) -> Tables:
    """Impressions become 'shown' and 'click' events at their time, the click history before them 'click' events.

    MIND gives the history's order and no times: its clicks are placed one second apart before the person's first
    impression, so that the order is real and the seconds are not.
    """
    parts = [_part(path, got.scratch / f"part{number}") for number, path in enumerate(got.files)]
    behaviours = pl.concat([raw for raw, _ in parts])
    news = pl.concat([table for _, table in parts]).unique("item", keep="first", maintain_order=True)
    impressions = (
        behaviours.sort("at", maintain_order=True)
        .select("user", "at", pl.col("shown").str.split(" "))
        .explode("shown")
        .filter(pl.col("shown").str.contains(r"-[01]$"))
        .select(
            "user",
            item=pl.col("shown").str.head(-2),
            kind=pl.when(pl.col("shown").str.ends_with("1")).then(pl.lit("click")).otherwise(pl.lit("shown")),
            time="at",
        )
    )
    first = behaviours.sort("at", maintain_order=True).unique("user", keep="first", maintain_order=True)
    history = (
        first.filter(pl.col("history").is_not_null())
        .select("user", "at", pl.col("history").str.split(" "))
        .with_columns(age=pl.int_ranges(pl.col("history").list.len().cast(pl.Int64), 0, -1))
        .explode("history", "age")
        .filter(pl.col("history") != "")
        .select("user", item="history", kind=pl.lit("click"), time=pl.col("at") - pl.col("age") * SECOND)
    )
    return Tables(pl.concat([history, impressions]), news)


def _part(archive: Path, scratch: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    scratch.mkdir()
    raw = pl.read_csv(
        unpacked(archive, "behaviors.tsv", scratch),
        separator="\t",
        has_header=False,
        new_columns=BEHAVIOURS,
        quote_char=None,
        infer_schema=False,
    ).with_columns(pl.col("at").str.to_datetime("%m/%d/%Y %I:%M:%S %p", time_unit="us").cast(pl.Int64))
    news = pl.read_csv(
        unpacked(archive, "news.tsv", scratch),
        separator="\t",
        has_header=False,
        new_columns=NEWS,
        quote_char=None,
        infer_schema=False,
    )
    return raw, news.select("item", "title", "category", "subcategory", "abstract")
