"""foretaste check: the report, the data card beside the project, and what [prepare] would do."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from foretaste.cli.app import app


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    rows = [
        (f"u{i % 40}", f"i{(i * i) % 13}", f"2025-03-{i % 28 + 1:02d}", ("view", "buy")[i % 4 == 0]) for i in range(400)
    ]
    frame = pl.DataFrame(rows, schema=["user", "item", "date", "event"], orient="row")
    frame = frame.with_columns(order_number=pl.when(pl.col("event") == "buy").then(pl.format("o{}", "item")))
    pl.concat([frame, frame.head(1).with_columns(user=pl.lit(""))]).write_csv(tmp_path / "events.csv")
    pl.DataFrame({"item": [f"i{i}" for i in range(15)], "title": ["<b>Tea</b> &amp; cup"] * 15}).write_csv(
        tmp_path / "items.csv"
    )
    words = ["init", str(tmp_path / "events.csv"), "--items", str(tmp_path / "items.csv"), "-p", str(tmp_path / "shop")]
    assert CliRunner().invoke(app, words).exit_code == 0
    return tmp_path / "shop"


def checked(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["check", "-p", str(folder), *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_report_knows_catalogue_models_and_leaks(shop: Path) -> None:
    report = json.loads(checked(shop, "--json"))
    assert report["counts"]["catalogue"] == 15
    assert report["counts"]["items_with_words"] == 15
    problems = {problem["code"]: problem for problem in report["problems"]}
    assert problems["leak-order_number"]["rows"] == 101
    assert problems["user-empty"]["action"] == "quarantined"
    fits = {model["name"]: model for model in report["models"]}
    assert fits["ease"]["fits"]
    assert not fits["sasrec"]["fits"]
    assert report["prepared"] == []


def test_the_data_card_lies_beside_the_project(shop: Path) -> None:
    shown = " ".join(checked(shop).split())
    assert "data-card.md" in "".join(shown.split()), "however the path is broken over lines"
    assert "quarantine.csv" in "".join(shown.split())
    assert "15 items in the catalogue, 8 of them without events; 15 with words." in shown
    assert "Models that fit: random, popular" in shown
    card = json.loads((shop / "data-card.json").read_text(encoding="utf-8"))
    assert (card["events"], card["quarantined"], card["licence"]) == (400, 1, "not stated")
    assert "400 events of 40 people" in (shop / "data-card.md").read_text(encoding="utf-8")
    (shop / "data-card.md").unlink()
    checked(shop, "--no-card")
    assert not (shop / "data-card.md").exists()


def test_what_prepare_would_do_is_shown(shop: Path) -> None:
    path = shop / "foretaste.toml"
    text = path.read_text(encoding="utf-8")
    assert "[prepare]" not in text.replace("# [prepare]", "")
    asked = '[prepare]\nrepeats = "first"\nmin_item_events = 3\nstrip_html = true\n'
    path.write_text(text.replace("[[kinds]]", asked + "\n[[kinds]]", 1) + "\n", encoding="utf-8")
    report = json.loads(checked(shop, "--json"))
    assert [step["name"] for step in report["prepared"]] == ["repeats", "core", "strip_html"]
    first, last = report["prepared"][0], report["prepared"][-1]
    assert first["before"]["events"] == 400
    assert first["after"]["events"] < 400
    assert report["card"]["events"] == last["after"]["events"]
    assert report["card"]["items"] == last["after"]["items"] < 15
    page = shop / "report.html"
    assert "→" in checked(shop, "--html", str(page))
    assert "What is done before anything learns" in page.read_text(encoding="utf-8")
    path.write_text(text + "\n[prepare]\nmin_user_event = 3\n", encoding="utf-8")
    with pytest.raises(Exception, match="Did you mean 'min_user_events'"):
        checked(shop)


def test_a_licence_in_the_project_file_stands_in_the_card(shop: Path) -> None:
    path = shop / "foretaste.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[data]\n", '[data]\nlicence = "CC0: ours to give away"\n', 1), encoding="utf-8")
    assert json.loads(checked(shop, "--json"))["card"]["licence"] == "CC0: ours to give away"
