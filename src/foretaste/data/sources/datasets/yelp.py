"""The Yelp Open Dataset: reviews of businesses, and who is whose friend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.parsing.columns import by_commas
from foretaste.data.sources.archives import has_member, unpacked
from foretaste.data.sources.source import Fetched, Tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REVIEWS = {"user_id": pl.String, "business_id": pl.String, "stars": pl.Float32, "date": pl.String}
PLACES = {"business_id": pl.String, "name": pl.String, "city": pl.String, "state": pl.String, "categories": pl.String}
PEOPLE = {"user_id": pl.String, "friends": pl.String}


def read(got: Fetched) -> Tables:
    """The tar of JSON lines, or the zip around it. The tables' counts and averages know the future and stay out."""
    (archive,) = got.files
    inner = "yelp_dataset.tar"
    if has_member(archive, inner):
        archive = unpacked(archive, inner, got.scratch)
    got.progress("unpacking Yelp", 0, 3)
    reviews = _lines(archive, "yelp_academic_dataset_review.json", REVIEWS, got.scratch)
    got.progress("unpacking Yelp", 1, 3)
    places = _lines(archive, "yelp_academic_dataset_business.json", PLACES, got.scratch)
    got.progress("unpacking Yelp", 2, 3)
    people = _lines(archive, "yelp_academic_dataset_user.json", PEOPLE, got.scratch)
    got.progress("unpacking Yelp", 3, 3)
    events = reviews.select(
        user="user_id",
        item="business_id",
        kind=pl.lit("rating"),
        time=pl.col("date").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us").cast(pl.Int64),
        value="stars",
    )
    items = places.select(
        item="business_id",
        title="name",
        city="city",
        state="state",
        categories=by_commas(pl.col("categories")),
    ).collect()
    friends = (
        people.select(source_user_id="user_id", target_user_id=pl.col("friends").str.split(","))
        .explode("target_user_id")
        .with_columns(pl.col("target_user_id").str.strip_chars())
        .filter(~pl.col("target_user_id").is_in(["", "None"]))
    )
    return Tables(events, items, relations={"social": friends})


def _lines(archive: Path, member: str, schema: Mapping[str, type[pl.DataType]], scratch: Path) -> pl.LazyFrame:
    return pl.scan_ndjson(unpacked(archive, member, scratch), schema=schema)
