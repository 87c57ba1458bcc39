"""foretaste init: every kind of input by its flag, the guess shown, and foretaste.toml written."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from foretaste.cli.app import app
from foretaste.data.project.guess import guess_project, write_project
from foretaste.errors import ConfigError, ForetasteError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rows = "".join(f"u{i % 4},i{i % 6},{1_700_000_000 + i}\n" for i in range(24))
    (tmp_path / "e.csv").write_text("user,item,time\n" + rows)
    (tmp_path / "i.csv").write_text("item,title\n" + "".join(f"i{i},Title {i}\n" for i in range(6)))
    (tmp_path / "friends.csv").write_text("source_user,target_user\nu0,u1\n")
    (tmp_path / "searches.csv").write_text("user,query,time\nu0,tea,1700000000\n")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "i1.jpg").write_bytes(b"")
    return tmp_path


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_input_has_its_flag_and_is_shown(files: Path) -> None:
    words = [
        "--relations",
        f"{files}/friends.csv",
        "--searches",
        f"{files}/searches.csv",
        "--images",
        f"{files}/pictures",
    ]
    said = run("init", f"{files}/e.csv", "--items", f"{files}/i.csv", *words, "-p", f"{files}/shop")
    assert f"then: foretaste check -p {files}/shop" in " ".join(said.split())
    for word in ("friends.csv", "users with users", "searches.csv", "named after the items", "key item, title title"):
        assert word in said
    found = tomllib.loads((files / "shop" / "foretaste.toml").read_text())
    assert found["relations"]["friends"]["between"] == "users"
    assert found["searches"]["text"] == "query"
    assert found["data"]["images"] == "../pictures"
    problems = {problem["code"] for problem in json.loads(run("check", "-p", f"{files}/shop", "--json"))["problems"]}
    assert "picture-missing" in problems


def test_a_query_of_a_database(files: Path) -> None:
    base = sqlite3.connect(files / "shop.db")
    base.execute("CREATE TABLE orders (customer TEXT, sku TEXT)")
    base.executemany("INSERT INTO orders VALUES (?, ?)", [(f"c{i % 3}", f"s{i}") for i in range(9)])
    base.commit()
    base.close()
    run("init", f"{files}/shop.db", "--table", "orders", "-p", f"{files}/a")
    assert tomllib.loads((files / "a" / "foretaste.toml").read_text())["data"]["table"] == "orders"
    run("init", f"{files}/shop.db", "--query", "SELECT customer, sku FROM orders WHERE sku > 's4'", "-p", f"{files}/b")
    assert json.loads(run("check", "-p", f"{files}/b", "--json"))["counts"]["events"] == 4


def test_a_server_that_is_not_there_is_one_sentence_without_the_password(files: Path) -> None:
    pytest.importorskip("psycopg", reason="needs the extra 'postgres'")
    done = CliRunner().invoke(app, ["init", "postgresql://me:secret@127.0.0.1:1/shop", "-p", f"{files}/c"])
    assert done.exception is not None
    assert "secret" not in str(done.exception)
    assert "postgresql://me@127.0.0.1:1/shop cannot be read" in str(done.exception)


def refused(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert isinstance(done.exception, ForetasteError), done.output
    return str(done.exception)


def test_what_was_corrected_by_hand_is_not_overwritten_without_a_word(files: Path) -> None:
    asked = ("init", f"{files}/e.csv", "-p", f"{files}/shop")
    run(*asked)
    corrected = (files / "shop" / "foretaste.toml").read_text() + "# by hand\n"
    (files / "shop" / "foretaste.toml").write_text(corrected)
    assert "is there already; correct it by hand, or write it anew with --force" in refused(*asked)
    assert (files / "shop" / "foretaste.toml").read_text() == corrected
    run(*asked, "--force")
    assert "by hand" not in (files / "shop" / "foretaste.toml").read_text()
    assert (files / "shop" / "foretaste.toml.bak").read_text() == corrected


def test_up_goes_by_the_foretaste_toml_that_is_there(files: Path) -> None:
    run("init", f"{files}/e.csv", "-p", f"{files}/shop")
    toml = files / "shop" / "foretaste.toml"
    corrected = toml.read_text().replace('user = "user"', 'user = "item"').replace('item = "item"', 'item = "user"')
    toml.write_text(corrected + "[prepare]\nsession_gap_minutes = 0.05\n")
    said = " ".join(run("up", f"{files}/e.csv", "--no-serve", "-p", f"{files}/shop").split())
    assert "none is guessed again" in said
    assert toml.read_text().startswith(corrected)
    manifest = json.loads(next((files / "shop" / "bundles").glob("2*/manifest.json")).read_text())
    assert (manifest["data"]["users"], manifest["data"]["items"]) == (24, 4), "its [prepare] is done"
    assert "names no file for the items" in refused(
        "up", f"{files}/e.csv", "--items", f"{files}/i.csv", *("-p", f"{files}/shop")
    )


def test_a_folder_that_cannot_be_written_is_one_sentence(files: Path) -> None:
    with pytest.raises(ConfigError, match=r"The folder .*e.csv/shop cannot be made \(Not a directory\)"):
        write_project(files / "e.csv" / "shop", guess_project(files / "e.csv")[0])
    with (files / "e.csv").open("a") as more:
        more.write(",i1,1700000000\n")
    run("init", f"{files}/e.csv", "-p", f"{files}/shop")
    (files / "shop" / "quarantine.csv").mkdir()
    for command in ("check", "train"):
        assert "quarantine.csv cannot be written" in refused(command, "-p", f"{files}/shop")


def test_a_file_given_for_the_folder_is_one_sentence_or_its_folder(files: Path) -> None:
    commands = (
        ["train"],
        ["recommend", "--user", "u0"],
        ["serve"],
        ["init", f"{files}/e.csv"],
        ["up", f"{files}/e.csv"],
    )
    for command in commands:
        assert "e.csv is a file; name the project's folder" in refused(*command, "-p", f"{files}/e.csv")
    assert "e.csv is a file" in refused("recommend", "--user", "u0", "-p", f"{files}/e.csv/shop")
    run("init", f"{files}/e.csv", "-p", f"{files}/shop")
    assert json.loads(run("check", "-p", f"{files}/shop/foretaste.toml", "--json"))["counts"]["events"] == 24


def test_a_project_may_be_moved_with_its_files(files: Path) -> None:
    shop = files / "here" / "shop"
    given = ("--items", f"{files}/here/shop/i.csv", "--relations", f"{files}/here/friends.csv")
    shop.mkdir(parents=True)
    for name, folder in {"e.csv": shop.parent, "friends.csv": shop.parent, "i.csv": shop}.items():
        (files / name).rename(folder / name)
    run("init", f"{files}/here/e.csv", *given, "-p", f"{shop}")
    found = tomllib.loads((shop / "foretaste.toml").read_text())
    assert (found["data"]["events"], found["data"]["items"]) == ("../e.csv", "i.csv")
    assert found["relations"]["friends"]["file"] == "../friends.csv"
    (files / "here").rename(files / "there")
    assert json.loads(run("check", "-p", f"{files}/there/shop", "--json"))["counts"]["events"] == 24
    far = guess_project(files / "there" / "e.csv")[0]
    far = far.model_copy(update={"data": far.data.model_copy(update={"events": "/nowhere/e.csv"})})
    written = write_project(files / "there" / "shop", far)
    assert 'events = "/nowhere/e.csv"' in written.read_text(), "what shares nothing but the root keeps its path"
