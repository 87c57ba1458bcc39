"""Last.fm: the 2K set of HetRec 2011 (Cantador et al.) and the 360K set (Celma 2010), how often who played whom."""

from __future__ import annotations

import polars as pl

from foretaste.data.sources.archives import lines, unpacked
from foretaste.data.sources.source import Fetched, Tables


def read_2k(got: Fetched) -> Tables:
    """Play counts without times; artists' names; friends and tags as relations."""
    (archive,) = got.files

    def table(name: str) -> pl.LazyFrame:
        path = unpacked(archive, name, got.scratch)
        return pl.scan_csv(path, separator="\t", quote_char=None, encoding="utf8-lossy")

    plays = table("user_artists.dat").select(
        user="userID", item="artistID", kind=pl.lit("listen"), value=pl.col("weight").cast(pl.Float32)
    )
    artists = table("artists.dat").select(item="id", title="name").collect()
    words = [line.decode("latin-1").split("\t") for line in lines(archive, "tags.dat")][1:]  # Latin-1, unlike the rest
    tags = pl.DataFrame(
        {"tag_id": [int(field[0]) for field in words if len(field) == 2], "tag": [f[1] for f in words if len(f) == 2]},
        schema={"tag_id": pl.Int64, "tag": pl.String},
    )
    tagged = (
        table("user_taggedartists.dat")
        .select(user_id="userID", item_id="artistID", tag_id=pl.col("tagID").cast(pl.Int64))
        .join(tags.lazy(), on="tag_id", how="left", maintain_order="left")
    )
    friends = table("user_friends.dat").select(source_user_id="userID", target_user_id="friendID")
    return Tables(plays, artists, relations={"social": friends, "user_item_tags": tagged})


def read_360k(got: Fetched) -> Tables:
    """Play counts without times; an artist is its MusicBrainz id or, where it has none, its name."""
    (archive,) = got.files
    raw = pl.scan_csv(
        unpacked(archive, "usersha1-artmbid-artname-plays.tsv", got.scratch),
        separator="\t",
        has_header=False,
        quote_char=None,
        encoding="utf8-lossy",
        schema={"user": pl.String, "mbid": pl.String, "name": pl.String, "plays": pl.String},
        truncate_ragged_lines=True,
    ).with_columns(
        item=pl.coalesce(pl.when(pl.col("mbid") != "").then("mbid"), "name"),
        value=pl.col("plays").str.strip_chars().cast(pl.Float32, strict=False),
    )
    plays = raw.filter(pl.all_horizontal(pl.col("user", "item", "value").is_not_null())).select(
        "user", "item", kind=pl.lit("listen"), value="value"
    )
    artists = raw.group_by("item").agg(pl.first("name").alias("title")).drop_nulls("item").sort("item").collect()
    people = pl.read_csv(
        unpacked(archive, "usersha1-profile.tsv", got.scratch),
        separator="\t",
        has_header=False,
        quote_char=None,
        encoding="utf8-lossy",
        new_columns=["user", "gender", "age", "country", "since"],
        infer_schema=False,
    ).with_columns(pl.col("age").cast(pl.Int64, strict=False))
    return Tables(plays, artists, people)
