"""foretaste export, import, backup, restore, erase: as a person types them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from foretaste.cli.app import app
from foretaste.errors import DataError, ForetasteError, UnknownNameError
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def result_of(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, ForetasteError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def run(*words: object) -> str:
    return result_of(*words).output


def run_json(*words: object) -> dict[str, Any]:
    return json.loads(result_of(*words, "--json").stdout)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    store = SqliteStore(folder / "events.db")
    store.append([Event(f"e{i}", f"person.{i % 3}@example.org", f"i{i}", "view", 1_000_000 * i) for i in range(30)])
    store.close()
    return folder


def test_out_and_in_again(shop: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "log.jsonl", tmp_path / "other"
    other.mkdir()
    assert run_json("export", file, "-p", shop) == {"file": str(file), "events": 30}
    assert run_json("import", file, "-p", other) == {"file": str(file), "events": 30, "new": 30}
    assert "0 of 30 events are new" in run("import", file, "-p", shop)


@pytest.fixture
def bookshop(tmp_path: Path) -> Path:
    """A project whose columns no guess would find: buyer and seller by numbers, words for kinds of its own."""
    rows = [f"{i % 4},{i % 6},{'gone' if i % 2 else 'seen'},2024-01-{1 + i:02d}" for i in range(24)]
    (tmp_path / "e.csv").write_text("who,what,did,day\n" + "\n".join(rows) + "\n")
    (tmp_path / "i.csv").write_text("what,title\n" + "".join(f"{i},Title {i}\n" for i in range(6)))
    data = {"events": f"{tmp_path}/e.csv", "user": "who", "item": "what", "kind": "did", "time": "day"}
    toml = "name = 'shop'\n[data]\n" + "".join(f"{key} = '{value}'\n" for key, value in data.items())
    (tmp_path / "foretaste.toml").write_text(toml + "[kind_names]\ngone = 'buy'\nseen = 'view'\n")
    return tmp_path


def test_an_import_reads_the_columns_of_the_project(bookshop: Path) -> None:
    assert "24 of 24 events are new" in run("import", bookshop / "e.csv", "-p", bookshop)
    store = SqliteStore(bookshop / "events.db")
    assert set(store.frame()["kind"]) == {"buy", "view"}
    assert set(store.frame()["user"]) == {"0", "1", "2", "3"}
    store.close()
    (bookshop / "bare.csv").write_text("who,what\n8,1\n,2\n")
    said = run("import", bookshop / "bare.csv", "-p", bookshop)
    assert "no column 'day'; its events are kept without a time" in said
    assert "1 rows are left out, the first: No user in 'who'. (bare.csv:3)" in said
    assert "1 of 1 events are new" in said


def test_an_import_of_a_file_that_is_not_of_events_is_refused(bookshop: Path) -> None:
    with pytest.raises(
        DataError, match=r"i.csv does not seem to be a file of events.*as in foretaste.toml \('who', 'what'\)"
    ):
        run("import", bookshop / "i.csv", "-p", bookshop)
    assert not (bookshop / "events.db").exists()
    (bookshop / "other.csv").write_text("customer,product\nann,tea\n")
    assert "are guessed: user = customer, item = product." in run("import", bookshop / "other.csv", "-p", bookshop)


def test_a_file_of_another_shape_is_understood_too(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    rows = [f"u{i % 5},sku{i % 7},2024-01-{1 + i % 28:02d}T10:00:00" for i in range(40)]
    file.write_text("customer_id,product_id,timestamp\n" + "\n".join(rows) + "\n")
    assert run_json("import", file, "-p", tmp_path)["new"] == 40
    store = SqliteStore(tmp_path / "events.db")
    assert store.history("u1", last=1).item == ["sku5"]
    assert store.history("u1", last=1).time == [1_706_349_600_000_000]
    store.close()


def test_one_person_gets_all_that_is_held_on_them(shop: Path, tmp_path: Path) -> None:
    held = json.loads(run("export", "--user", "person.1@example.org", "-p", shop))
    assert held["user"] == "person.1@example.org"
    assert [event["item"] for event in held["events"]] == [f"i{i}" for i in range(1, 30, 3)]
    file = tmp_path / "ann.json"
    run("export", file, "--user", "person.1@example.org", "-p", shop)
    assert json.loads(file.read_text()) == held
    with pytest.raises(UnknownNameError, match="Nothing is held on a person called 'nobody'"):
        run("export", "--user", "nobody", "-p", shop)
    with pytest.raises(DataError, match="File exists; name another file"):
        run("export", file, "--user", "person.1@example.org", "-p", shop)


def test_a_copy_and_back(shop: Path, tmp_path: Path) -> None:
    made = run_json("backup", tmp_path / "copy", "-p", shop)
    assert made["events"] == 30
    words = run("restore", tmp_path / "copy", "-p", tmp_path / "new")
    assert "30 events are in place" in words
    assert "Whom you erased since, erase again." in " ".join(words.split())
    assert SqliteStore(tmp_path / "new" / "events.db").position == 30
    assert "The key is not in it" in run("backup", tmp_path / "bare", "--without-key", "-p", shop)


def test_a_person_is_erased_with_a_receipt(shop: Path) -> None:
    receipt = run_json("erase", "--user", "person.1@example.org", "-p", shop)
    assert receipt["found"]["events"] == 10
    assert "person.1@example.org" not in json.dumps(receipt)
    words = run("erase", "--user", "person.2@example.org", "-p", shop)
    assert "10  events" in words
    assert "Receipt" in words
    assert run_json("erase", "--older-than", 30, "-p", shop)["found"] == {"events": 10}


def test_to_erase_somebody_the_log_does_not_know_says_so_and_keeps_them_out(shop: Path, tmp_path: Path) -> None:
    words = run("erase", "--user", "ann.smith@example.org", "-p", shop)
    assert "Nobody of that name is in the log; nothing was removed from it." in " ".join(words.split())
    file = tmp_path / "older.csv"
    file.write_text("user,item,timestamp\nann.smith@example.org,i1,2024-01-01\nbob,i1,2024-01-01\n")
    assert run_json("import", file, "-p", shop)["new"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export"], "Name a file to write to"),
        (["erase"], "Say whom or what to erase"),
        (["erase", "--user", "ann", "--older-than", "3"], "Say whom or what to erase"),
        (["import", "nowhere.csv"], "nowhere.csv is not there; name a file of events"),
        (["export", "log.jsonl", "-p", "nowhere"], "is not there; name a project folder"),
        (["erase", "--user", "ann", "-p", "nowhere"], "nowhere is not a folder"),
        (["erase", "--user", "ann"], r"There is no event log in .*; name a project with -p\."),
        (["erase", "--older-than", "3"], "There is no event log in"),
        (["backup", "copy", "-p", "nowhere"], "name a project folder with an event log"),
        (["restore", "nowhere"], "it is not a backup, or not a whole one"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing_behind(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ForetasteError, match=said):
        run(*words)
    assert list(tmp_path.iterdir()) == []
