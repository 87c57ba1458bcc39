"""Any folder with interactions.parquet, and items.parquet, users.parquet and tables of links beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.data.pictures import places_in
from foretaste.data.sources.tables import relations_of
from foretaste.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

KIND_COLUMNS = ("behavior", "kind", "event")
VALUE_COLUMNS = ("rating", "value", "listen_count", "count")
BANDIT_LOG = "random_all.parquet"
"""Where there are no interactions but logs of a policy: the one that chose evenly."""
UNTIMED = 0.1
"""Below this share of events without a time, the times of the others still count."""
MAIN_TABLES = {"interactions", "items", "users"}
PICTURES = "posters"


def load_folder(folder: Path) -> Dataset:
    """The data set in a folder; further Parquet files in it become relations by their names, posters.parquet pictures.

    interactions.parquet : user_id, item_id; optionally timestamp (s), position (0 the oldest), rating or another
                           value, behavior. Rows of equal times keep the order of the file
    """
    path = folder / "interactions.parquet"
    items = folder / "items.parquet"
    if path.is_file():
        raw = pl.read_parquet(path)
    elif (folder / BANDIT_LOG).is_file():
        raw = _bandit_events(pl.read_parquet(folder / BANDIT_LOG))
        items = folder / "items_all.parquet"
    else:
        raise DataError(f"There is no {path}; a folder source needs at least that file.")
    data = Dataset.from_frame(
        _events(raw),
        _keyed(pl.read_parquet(items)) if items.is_file() else None,
        name=folder.name,
    )
    tables = {
        table.stem: pl.read_parquet(table)
        for table in sorted(folder.glob("*.parquet"))
        if table.stem not in {*MAIN_TABLES, PICTURES}
    }
    catalogue = data.items
    if (folder / f"{PICTURES}.parquet").is_file():
        places, _ = places_in(folder / f"{PICTURES}.parquet", catalogue.ids.names)
        catalogue = replace(catalogue, places=places)
    return replace(
        data, items=catalogue, relations=relations_of(tables), user_table=_users(folder / "users.parquet", data)
    )


def _events(raw: pl.DataFrame) -> pl.DataFrame:
    columns = {"user": pl.col("user_id"), "item": pl.col("item_id")}
    value = next((name for name in VALUE_COLUMNS if name in raw.columns), None)
    kind = next((name for name in KIND_COLUMNS if name in raw.columns), None)
    if value is not None:
        columns["value"] = pl.col(value)
    columns["kind"] = pl.col(kind) if kind else pl.lit("rating" if value == "rating" else "interaction")
    if "timestamp" in raw.columns and raw["timestamp"].null_count() < UNTIMED * len(raw):
        # The events a set holds out sometimes lack a time; they come last, at the moment of their user's newest.
        raw = raw.sort(pl.col("timestamp").is_null(), maintain_order=True)
        newest = pl.max("timestamp").over("user_id").fill_null(pl.max("timestamp"))
        columns["time"] = pl.col("timestamp").fill_null(newest).cast(pl.Int64) * 1_000_000
    if "position" in raw.columns:
        raw = raw.sort("user_id", "position", maintain_order=True)
    return raw.select(**columns)


def _bandit_events(log: pl.DataFrame) -> pl.DataFrame:
    """A log of what was shown and clicked, as the Open Bandit Dataset has it: it names no people, only their features,
    so everyone with the same features is one user."""
    features = [name for name in log.columns if name.startswith("user_feature_")]
    return log.select(
        pl.concat_str(features, separator="|").alias("user_id"),
        "item_id",
        pl.when(pl.col("click") > 0).then(pl.lit("click")).otherwise(pl.lit("shown")).alias("kind"),
        _seconds(log["timestamp"]),
    )


def _seconds(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        column = column.str.to_datetime(time_zone="UTC")
    return column.dt.epoch("s") if column.dtype.is_temporal() else column


def _keyed(items: pl.DataFrame) -> pl.DataFrame:
    return items.rename({"item_id": "item"})


def _users(path: Path, data: Dataset) -> pl.DataFrame | None:
    """One row per user code."""
    if not path.is_file():
        return None
    rows = pl.read_parquet(path).with_columns(pl.col("user_id").cast(pl.String)).rename({"user_id": "user"})
    return pl.DataFrame({"user": data.users.names}).join(rows, on="user", how="left", maintain_order="left")
