"""Gowalla check-ins and friendships (Cho, Myers & Leskovec 2011), as SNAP publishes them."""

from __future__ import annotations

import polars as pl

from foretaste.data.sources.archives import unpacked
from foretaste.data.sources.source import Fetched, Tables


def read(got: Fetched) -> Tables:
    """user, time, latitude, longitude, place with tabs between; friends as pairs in both directions."""
    checkins, edges = got.files
    raw = pl.scan_csv(
        unpacked(checkins, "", got.scratch),
        separator="\t",
        has_header=False,
        schema={
            "user": pl.Int64,
            "at": pl.String,
            "latitude": pl.Float64,
            "longitude": pl.Float64,
            "item": pl.Int64,
        },
    )
    # The file runs from a person's newest to the oldest check-in; reversed, equal times keep the order they had.
    events = raw.reverse().select(
        "user",
        "item",
        kind=pl.lit("check-in"),
        time=pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False).cast(pl.Int64),
    )
    events = events.filter(pl.col("time").is_not_null())
    places = raw.group_by("item").agg(pl.first("latitude", "longitude")).sort("item").collect()
    friends = pl.scan_csv(
        unpacked(edges, "", got.scratch), separator="\t", has_header=False, new_columns=["source", "target"]
    ).select(source_user_id="source", target_user_id="target")
    return Tables(events, places, relations={"social": friends})
