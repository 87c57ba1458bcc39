"""Folders of Parquet files: what has no time comes last, and tables keep their people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.sources.folder import load_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_few_events_without_a_time_come_last_for_their_user(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "user_id": [1, 1, 1, *[2] * 20],
            "item_id": list(range(23)),
            "timestamp": [30, None, 10, *range(100, 120)],
        }
    )
    frame.write_parquet(tmp_path / "interactions.parquet")
    data = load_folder(tmp_path)
    one = data.users.code("1")
    assert one is not None
    assert data.items.ids.names_of(data.histories().row(one)) == ["2", "0", "1"]
    assert data.time is not None
    frame.with_columns(pl.when(pl.col("user_id") == 1).then("timestamp")).write_parquet(
        tmp_path / "interactions.parquet"
    )
    assert load_folder(tmp_path).time is None  # most have none: the order of the file counts


def test_a_user_table_has_a_row_per_user_code(tmp_path: Path) -> None:
    pl.DataFrame({"user_id": [3, 1, 2], "item_id": [1, 1, 1]}).write_parquet(tmp_path / "interactions.parquet")
    pl.DataFrame({"user_id": [1, 2, 9], "age": [10, 20, 90]}).write_parquet(tmp_path / "users.parquet")
    data = load_folder(tmp_path)
    assert data.user_table is not None
    assert dict(zip(data.users.names, data.user_table["age"], strict=True)) == {"1": 10, "2": 20, "3": None}
