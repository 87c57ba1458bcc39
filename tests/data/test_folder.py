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


def test_tables_beside_become_relations_and_pictures(tmp_path: Path) -> None:
    tables = {
        "interactions": {"user_id": [1, 2], "item_id": [10, 11]},
        "trust": {"source_user_id": [1, 2], "target_user_id": [2, 7]},
        "kg": {"head": ["m.1", "m.2"], "relation": ["genre", "genre"], "tail": ["m.9", "m.9"]},
        "item_entity": {"item_id": [10], "entity_id": ["m.1"]},
        "user_item_tags": {"user_id": [1, 2, 2], "item_id": [10, 10, 11], "tag_id": [5, 5, 6]},
        "tags": {"tag_id": [5, 6], "tag": ["dark", "funny"]},
        "posters": {"item_id": [11], "jpeg": [b"picture"]},
        "other_interactions": {"user_id": [1], "item_id": [1]},
        "other_trust": {"source_user_id": [1], "target_user_id": [2]},
        "negatives": {"user_id": [1], "item_id": [10], "negatives": [[11]]},
    }
    for name, columns in tables.items():
        pl.DataFrame(columns).write_parquet(tmp_path / f"{name}.parquet")
    data = load_folder(tmp_path)
    assert set(data.relations) == {"trust", "kg", "user_item_tags"}
    links = data.links("trust")
    assert [data.users.name(code) for code in (links.source[0], links.target[0])] == ["1", "2"]
    assert links.unknown == 1
    triples = data.triples("kg")
    ten = data.items.ids.code("10")
    assert ten is not None
    assert triples.entities.name(triples.entity_of_item[ten]) == "m.1"
    assert sorted(data.relations["user_item_tags"].frame.select("source", "target").rows()) == [
        ("10", "dark"),
        ("11", "funny"),
    ]
    assert data.items.pictures is not None
    assert data.items.pictures.drop_nulls().to_list() == [f"{tmp_path / 'posters.parquet'}#0"]
