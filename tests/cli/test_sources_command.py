"""foretaste sources: the table of public data sets, and fetching one."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from foretaste.cli.app import app
from foretaste.data.sources import SOURCES
from foretaste.errors import DataError


def test_every_data_set_is_listed_with_its_licence() -> None:
    shown = CliRunner().invoke(app, ["sources", "--json"])
    rows = {row["name"]: row for row in json.loads(shown.stdout)["sources"]}
    assert set(rows) == set(SOURCES)
    assert "Video_Games" in rows["amazon-2023"]["categories"]
    assert rows["yelp"]["by_hand"]
    table = CliRunner().invoke(app, ["sources"]).stdout
    assert "amazon-2014:CATEGORY" in table


def test_a_folder_becomes_files_that_init_reads(tmp_path: Path) -> None:
    pl.DataFrame({"user_id": [1, 1, 2], "item_id": ["a", "b", "a"]}).write_parquet(tmp_path / "interactions.parquet")
    words = ["sources", f"folder:{tmp_path}", "--output", str(tmp_path / "out"), "--json"]
    shown = CliRunner().invoke(app, words)
    assert json.loads(shown.stdout)["events"] == 3
    assert pl.read_parquet(tmp_path / "out" / "events.parquet")["item"].sort().to_list() == ["a", "a", "b"]


def test_nothing_is_fetched_without_an_accepted_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path))
    monkeypatch.delenv("FORETASTE_ACCEPT_LICENCE", raising=False)
    failed = CliRunner().invoke(app, ["sources", "movielens-1m"])
    assert isinstance(failed.exception, DataError)
    assert "--accept-licence" in str(failed.exception)
    assert not (tmp_path / "licences.json").exists()
