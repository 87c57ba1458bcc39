"""The newcomer's path on the command line, and what programs read from it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from foretaste.cli import main

ROOT = Path(__file__).parents[2]
ORDERS, BOOKS = ROOT / "examples" / "orders.csv", ROOT / "examples" / "books.csv"


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "foretaste", *words], capture_output=True, text=True, cwd=cwd, timeout=300
    )


@pytest.fixture(scope="module")
def bookshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """init and train on the example: odd column names, string ids with leading zeros."""
    folder = tmp_path_factory.mktemp("bookshop")
    assert run("init", str(ORDERS), "--items", str(BOOKS), "-p", str(folder)).returncode == 0
    trained = run("train", "-p", str(folder), "--model", "itemknn", "--model", "popular", "--json")
    assert trained.returncode == 0, trained.stderr
    return folder


def test_help_names_every_command() -> None:
    shown = run("--help").stdout
    for command in [
        "demo",
        "up",
        "init",
        "check",
        "train",
        "evaluate",
        "recommend",
        "similar",
        "serve",
        "models",
        "doctor",
    ]:
        assert f" {command} " in shown


def test_init_shows_its_guess_and_check_finds_nothing(bookshop: Path) -> None:
    shown = run("init", str(ORDERS), "--items", str(BOOKS), "-p", str(bookshop), "--force").stdout
    for column in ("Kundennummer", "Artikelnummer", "Zeitpunkt", "Aktion"):
        assert column in shown
    report = json.loads(run("check", "-p", str(bookshop), "--json").stdout)
    assert report["problems"] == []
    assert report["counts"]["events"] == 3590


def test_the_same_ids_come_out(bookshop: Path) -> None:
    answer = json.loads(run("recommend", "--user", "K-00007", "-n", "5", "-p", str(bookshop), "--json").stdout)
    assert answer["user"] == "K-00007"
    books = {line.split(";")[0]: line.split(";")[1] for line in BOOKS.read_text(encoding="utf-8").splitlines()[1:]}
    assert len(answer["items"]) == 5
    for item in answer["items"]:
        assert books[item["id"]] == item["title"]
        assert item["reasons"]
        assert item["sources"]
    bought = {
        line.split(";")[2]
        for line in ORDERS.read_text(encoding="utf-8").splitlines()
        if ";K-00007;" in line and line.endswith("buy")
    }
    assert not bought & {item["id"] for item in answer["items"]}
    similar = json.loads(run("similar", "--item", answer["items"][0]["id"], "-p", str(bookshop), "--json").stdout)
    assert similar["item"]["id"] == answer["items"][0]["id"]
    assert {item["id"] for item in similar["items"]} <= set(books)


def test_a_stranger_gets_what_is_popular(bookshop: Path) -> None:
    done = run("recommend", "--user", "nobody-yet", "-p", str(bookshop))
    assert done.returncode == 0
    assert "Nobody called 'nobody-yet'" in done.stdout
    assert "Popular with everyone" in done.stdout


def test_somebody_new_is_asked_and_answered(bookshop: Path) -> None:
    asked = json.loads(run("onboarding", "--items", "5", "-p", str(bookshop), "--json").stdout)
    assert len(asked["items"]) == 5
    first, label = asked["items"][0], asked["labels"][0]
    shown = run("onboarding", "--chosen", first["id"], "--likes", label, "--seen", "nope", "-p", str(bookshop)).stdout
    assert first["title"] not in shown
    assert "No item is called nope; that was overlooked." in shown
    answer = json.loads(run("recommend", "--likes", label, "-n", "5", "-p", str(bookshop), "--json").stdout)
    assert len(answer["items"]) == 5
    assert answer["items"][0]["reasons"][0]["text"] == f"Because you like {label}"
    unknown = run("similar", "--item", "nope", "-p", str(bookshop)).stderr
    assert unknown == "Error: No item is called 'nope'; give the id it has in your data.\n"
    refused = run("recommend", "--user", "K-00007", "--likes", label, "-p", str(bookshop))
    assert refused.returncode == 2
    assert "one of the two" in refused.stderr


def test_training_again_counts_nothing_twice(bookshop: Path) -> None:
    again = json.loads(run("train", "-p", str(bookshop), "--model", "itemknn", "--json").stdout)
    rows = again["leaderboard"]["rows"]
    assert {row["model"] for row in rows} == {"as served", "itemknn", "pipeline", "popular", "random"}
    assert len({row["protocol"]["fingerprint"] for row in rows}) == 1
    manifest = json.loads((bookshop / "bundles" / again["version"] / "manifest.json").read_text())
    assert manifest["data"]["events"] == 3590
    assert (bookshop / "bundles" / "current").read_text().strip() == again["version"]


def test_evaluate_states_its_protocol_and_writes_nothing(bookshop: Path) -> None:
    before = sorted(path.name for path in (bookshop / "bundles").iterdir())
    asked = ("evaluate", "-p", str(bookshop), "--model", "itemknn", "--protocol", "time", "--strict", "--json")
    row = json.loads(run(*asked).stdout)["rows"][0]
    assert row["protocol"]["variant"] == "strict"
    assert "newest 10%" in row["protocol"]["split"]
    assert sorted(path.name for path in (bookshop / "bundles").iterdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("init", "nothing.csv"), "There is no file nothing.csv"),
        (("train",), "foretaste init FILE"),
        (("check",), "foretaste init FILE"),
        (("recommend", "--user", "x"), "it has no foretaste.toml; name the project's folder with -p."),
        (("serve", "-p", "shpo"), "shpo is no project: it has no foretaste.toml"),
        (("search", "tea", "-p", "shpo"), "shpo is no project: it has no foretaste.toml"),
        (("evaluate", "--data", "shop/orders.csv"), "There is no file shop/orders.csv"),
        (("evaluate", "--data", "movielens-100"), "Did you mean 'movielens-100k'"),
        (("models", "eas"), "Did you mean 'ease'"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


class Interrupted:
    """A module that Ctrl-C comes in between with: while it is loaded, or while its command runs."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


@pytest.mark.parametrize("module", ["foretaste.cli.app", "foretaste.registry"])
def test_ctrl_c_says_that_it_stopped(module: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, module, Interrupted())  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "argv", ["foretaste", "models"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_models_and_doctor(tmp_path: Path) -> None:
    assert {row["name"] for row in json.loads(run("models", "--json").stdout)["models"]} >= {"ease", "content"}
    assert "regularisation" in run("models", "ease").stdout
    report = json.loads(run("doctor", "--json").stdout)
    assert report["problems"] == []
    assert report["packages"]["numpy"]
    assert run("--version").stdout.strip() == report["foretaste"]


def test_up_goes_from_a_file_to_a_bundle(tmp_path: Path) -> None:
    shutil.copy(ORDERS, tmp_path / "my orders.csv")
    done = run("up", "my orders.csv", "--no-serve", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No row is wrong" in done.stdout
    assert "is in use" in done.stdout
    assert (tmp_path / "my orders-foretaste" / "bundles" / "current").is_file()


def test_a_killed_train_leaves_the_old_bundle_in_use(bookshop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(bookshop, folder)
    in_use = (folder / "bundles" / "current").read_text()
    for delay in (0.6, 1.0, 1.4):
        command = [sys.executable, "-m", "foretaste", "train", "-p", str(folder), "--model", "itemknn"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            time.sleep(delay)
            os.kill(child.pid, signal.SIGKILL)
        current = (folder / "bundles" / "current").read_text()
        whole = [p.name for p in (folder / "bundles").iterdir() if (p / "manifest.json").is_file() and p.name[0] != "."]
        assert current == in_use or current.strip() in whole
        done = run("recommend", "--user", "K-00007", "-p", str(folder), "--json")
        assert len(json.loads(done.stdout)["items"]) == 10


def test_beyond_this_machine_it_is_closed_by_default(bookshop: Path) -> None:
    done = run("serve", "-p", str(bookshop), "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "--open-to-all" in done.stderr
