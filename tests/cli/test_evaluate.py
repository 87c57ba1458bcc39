"""evaluate measures and writes its page and its run; compare reads runs and models; mistakes are one sentence."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import worlds
from foretaste.cli.app import app
from foretaste.errors import ConfigError, DataError, ForetasteError, UnknownNameError

FEW = ("--model", "itemknn", "--model", "popular")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("parity")
    data = worlds.parity(n_users=80)
    frame = data.as_frame().rename({"user": "user_id", "item": "item_id", "time": "timestamp"})
    moments = np.random.default_rng(0).permutation(len(frame)) + 1_700_000_000  # everybody is there all the time
    frame.drop("kind", "value").with_columns(timestamp=moments).write_parquet(folder / "interactions.parquet")
    return f"folder:{folder}"


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_everything_at_once(source: str, tmp_path: Path) -> None:
    page, saved = tmp_path / "report.html", tmp_path / "a.json"
    asked = ["evaluate", "--data", source, *FEW, "--seeds", "2", "--ties", "2", "--leakage", "--rounds", "1", "--json"]
    document = json.loads(run(*asked, "--html", str(page), "--save", str(saved)))
    row = document["rows"][0]
    assert {"ndcg@10", "coverage@10", "gini@10", "diversity@10", "novelty@10", "serendipity@10"} <= set(row["test"])
    assert row["seeds"]["half"] == 0
    assert row["tie_order"] is None, "no two events of a person at once"
    assert {"leave_one_out", "time", "people", "gap"} <= set(row["leakage"])
    assert row["fit_seconds"] >= 0
    assert row["wall_seconds"] > 0
    assert row["protocol"]["versions"]["numpy"]
    assert "activity" in row["segments"]
    assert document["bubble"]["sentence"]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    shown = json.loads(run("compare", str(saved), str(saved), "--model", "itemknn", "--against", "popular", "--json"))
    assert shown["differences"]["ndcg@10"]["decided"]
    assert shown["sentence"].startswith("itemknn beats popular")
    assert "are not significantly different" in run("compare", str(saved), str(saved))


def test_two_models_are_compared_on_the_same_questions(source: str) -> None:
    shown = run("compare", "itemknn", "popular", "--data", source)
    assert "itemknn beats popular" in shown
    assert "by segment" in shown.lower()


def test_a_time_split_and_repeats_are_said_in_the_protocol(source: str) -> None:
    document = json.loads(run("evaluate", "--data", source, *FEW, "--protocol", "time", "--repeats", "--json"))
    protocol = document["rows"][0]["protocol"]
    assert protocol["seen"] == "included"
    assert protocol["split"].startswith("the newest 10%")


def test_the_split_of_the_data_is_kept(tmp_path: Path) -> None:
    data = worlds.parity(n_users=80)
    part = pl.Series("split", ["test" if p == 9 else "valid" if p == 8 else "train" for p in data.position])
    frame = data.as_frame().select(user_id="user", item_id="item", split=part)
    frame.write_parquet(tmp_path / "interactions.parquet")
    asked = ("evaluate", "--data", f"folder:{tmp_path}", *FEW, "--protocol", "fixed")
    row = json.loads(run(*asked, "--seeds", "2", "--json"))["rows"][0]
    assert row["protocol"]["split"] == "the split of the files"
    assert row["seeds"]["half"] == 0
    with pytest.raises(DataError, match="leave ties and leakage out"):
        run(*asked, "--leakage")
    with pytest.raises(DataError, match="folder:PATH"):
        run("evaluate", "--data", "movielens-100k", "--protocol", "fixed")


def test_a_budget_is_kept_and_a_wrong_one_refused(source: str) -> None:
    document = json.loads(run("evaluate", "--data", source, *FEW, "--budget", "1s", "--json"))
    rows = {row["model"]: row for row in document["rows"]}
    assert len(rows["itemknn"]["tried"]) >= 1
    with pytest.raises(ForetasteError, match="write 90s, 10m"):
        run("evaluate", "--data", source, "--budget", "soon")


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not one of each"):
        run("compare", "a.json", "itemknn")
    with pytest.raises(DataError, match="no run to read"):
        run("compare", str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    with pytest.raises(UnknownNameError, match="Did you mean 'itemknn'"):
        run("compare", "itemkn", "popular", "--data", "movielens-100k")


@pytest.mark.parametrize("command", ["train", "evaluate", "compare", "benchmark"])
def test_a_wrong_device_is_said_at_once(command: str, tmp_path: Path) -> None:
    words = [command, *(["ease", "popular"] if command == "compare" else []), "--device"]
    with pytest.raises(ConfigError, match="No device is called 'gpu'; say cpu, cuda"):
        CliRunner().invoke(app, [*words, "gpu"], catch_exceptions=False)
    pytest.importorskip("torch")
    with pytest.raises(ConfigError, match="'cuda:99' is not available: torch finds"):
        CliRunner().invoke(app, [*words, "cuda:99"], catch_exceptions=False)


def test_no_seed_is_too_few(source: str) -> None:
    said = CliRunner().invoke(app, ["evaluate", "--data", source, *FEW, "--seeds", "0"])
    assert said.exit_code == 2
    assert "--seeds" in said.output


def test_rows_left_out_are_a_sentence_and_no_warning_of_python(tmp_path: Path) -> None:
    rows = "".join(f"u{i % 30},i{i % 7},{1_700_000_000 + i * 1000}\n" for i in range(200))
    (tmp_path / "orders.csv").write_text("user,item,time\n,i1,1700000000\n" + rows)
    asked = ["evaluate", "--data", f"{tmp_path}/orders.csv", "--model", "itemknn"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = CliRunner().invoke(app, asked, catch_exceptions=False).stderr
    assert "1 rows are left out, the first: No user in 'user'. (orders.csv:2)" in said
    assert "Warning" not in said
