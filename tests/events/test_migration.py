"""A store of an earlier foretaste opens, keeps everything, and no longer shows anybody's name."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import polars as pl
import pytest

from foretaste.errors import StoreError
from foretaste.events.model import Event
from foretaste.events.sqlite import schema as sqlite_schema
from foretaste.events.sqlite.store import SqliteStore

sys.path.insert(0, str(Path(__file__).parent))
import version_1

PEOPLE = [f"customer-{i:03d}@example.org" for i in range(40)]
IMPORTED = pl.DataFrame(
    {
        "user": [PEOPLE[i % 40] for i in range(400)],
        "item": [f"i{i % 13}" for i in range(400)],
        "time": [None if i % 50 == 0 else 1_000 + i for i in range(400)],
        "value": [float(i % 5) for i in range(400)],
    }
)
SENT = [(f"{PEOPLE[i]}/order/{i}", PEOPLE[i], "i3", "buy", 5_000 + i, 1.0, i % 2) for i in range(20)]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "events.db"
    version_1.write(path, IMPORTED, SENT)
    assert PEOPLE[7].encode() in b"".join(file.read_bytes() for file in tmp_path.iterdir()), "or nothing is shown here"
    return path


def test_everything_is_there_and_in_order(old: Path) -> None:
    store = SqliteStore(old)
    log = store.frame()
    expected = [*IMPORTED["user"], *(user for _, user, *_ in SENT)]
    assert log["user"].to_list() == expected
    assert log["seq"].to_list() == list(range(1, 421))
    assert log["time"].to_list() == [*IMPORTED["time"], *range(5_000, 5_020)]
    assert dict(store.users(100)) == {user: expected.count(user) for user in PEOPLE}
    assert store.history(PEOPLE[3], last=1).kind == ["buy"]
    assert store.position == 420
    store.close()


def test_nothing_counts_twice_after_it(old: Path) -> None:
    store = SqliteStore(old)
    assert store.import_frame(IMPORTED) == 0
    again = [
        Event(name, user, item, kind, time, value, bool(stamped))
        for name, user, item, kind, time, value, stamped in SENT
    ]
    assert {outcome.status for outcome in store.append(again)} == {"duplicate"}
    assert store.append([Event(SENT[0][0], "another", "i3", "buy", 5_000)])[0].status == "conflict"
    assert store.append([Event("new", "ann", "i3", "buy", 5_000)])[0].status == "accepted"
    assert store.position == 421
    store.close()


def test_no_byte_of_any_file_names_anybody(old: Path) -> None:
    store = SqliteStore(old)
    for closed in (False, True):
        content = b"".join(file.read_bytes() for file in old.parent.iterdir())
        assert not [user for user in PEOPLE if user.encode() in content]
        assert b"/order/" not in content, "the clients' ids of events are made of people's names"
        if not closed:
            store.close()


def test_a_migration_cut_short_has_changed_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_schema, "REST", "CREATE TABLE event (oops)")
    with pytest.raises(StoreError):
        SqliteStore(old)
    monkeypatch.undo()
    store = SqliteStore(old)
    assert len(store.frame()) == 420
    store.close()


def test_a_scrub_cut_short_is_done_at_the_next_opening(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object, **__: object) -> bool:
        raise StoreError("the power went")

    def due() -> int:
        with sqlite3.connect(old) as file:
            return file.execute("SELECT value FROM meta WHERE name = 'scrub'").fetchone()[0]

    monkeypatch.setattr("foretaste.events.sqlite.file.scrub", cut)
    with pytest.raises(StoreError, match="power"):
        SqliteStore(old)
    assert due() == 1
    monkeypatch.undo()
    SqliteStore(old).close()
    assert due() == 0
    assert not any(PEOPLE[7].encode() in file.read_bytes() for file in old.parent.iterdir())


def test_without_its_key_a_store_is_refused_and_left_alone(old: Path) -> None:
    SqliteStore(old).close()
    key = old.parent / "foretaste.key"
    aside = key.rename(old.parent / "elsewhere")
    with pytest.raises(StoreError, match=r"foretaste\.key is missing, .* put it back, from a backup"):
        SqliteStore(old)
    assert not key.exists(), "a new key would hide the loss"
    SqliteStore(old.parent / "other.db").close()  # which makes one
    with pytest.raises(StoreError, match=r"is not the key that events\.db was written with"):
        SqliteStore(old)
    aside.replace(key)
    SqliteStore(old).close()
