"""Every table has a name, a line, and models that exist; data held out here is split as its name says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import worlds
from foretaste.cli.app import app
from foretaste.errors import ConfigError, DataError, UnknownNameError
from foretaste.evaluation.robustness.stability import StabilityOptions
from foretaste.published.run_table import run_table, summaries
from foretaste.types import Run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    frame = worlds.parity(n_users=80).as_frame().rename({"user": "user_id", "item": "item_id", "time": "timestamp"})
    moments = np.random.default_rng(0).permutation(len(frame)) + 1_700_000_000
    frame.drop("kind", "value").with_columns(timestamp=moments).write_parquet(folder / "interactions.parquet")
    return tmp_path


def test_a_folder_is_held_out_from_as_the_table_says(root: Path) -> None:
    ran = run_table("ml-1m", root, Run(), models=["popular", "itemknn"])
    document = ran.to_json()
    assert document["main"] == "ndcg@10"
    assert [row["model"] for row in document["rows"]] == ["itemknn", "popular"]
    protocol = document["rows"][0]["protocol"]
    assert protocol["split"] == "the last event of each user"
    assert protocol["people_asked"] == protocol["people_with_a_question"] == 80
    timed = run_table("ml-1m-time", root, Run(), models=["popular"], budget=0.1).to_json()
    assert timed["rows"][0]["protocol"]["split"].startswith("the newest 10%")


def test_rows_are_tried_on_other_seeds_and_orders_where_the_table_allows_it(root: Path) -> None:
    tried = StabilityOptions(seeds=2, tie_orders=2)
    row = run_table("ml-1m", root, Run(), models=["popular"], stability=tried).to_json()["rows"][0]
    assert row["seeds"]["values"] == [row["test"]["ndcg@10"]] * 2  # popularity uses no seed
    for name, why in (("gowalla", "no other order"), ("ml-1m-ncf", "leave --seeds")):
        with pytest.raises((ConfigError, DataError), match=why):
            run_table(name, root, Run(), stability=StabilityOptions(tie_orders=2))


def test_the_command_lists_writes_and_refuses(root: Path, tmp_path: Path) -> None:
    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["benchmark", *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert set(json.loads(run("--json"))["benchmarks"]) == set(summaries())
    assert "gowalla" in run()
    out, page = tmp_path / "out.json", tmp_path / "page.html"
    run("ml-1m", "--root", str(root), "--model", "popular", "--output", str(out), "--html", str(page))
    assert json.loads(out.read_text(encoding="utf-8"))["rows"][0]["model"] == "popular"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(UnknownNameError, match="Did you mean 'gowalla'"):
        run("gowala")
    with pytest.raises(DataError, match="--root"):
        run("ml-latest-small", "--root", str(root))
    with pytest.raises(ConfigError, match="takes no budget"):
        run("ml-1m-ncf", "--root", str(root), "--budget", "1m")
