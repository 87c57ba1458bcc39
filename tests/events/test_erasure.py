"""After an erasure no byte of any file leads back to the person: the test looks at all of them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import polars as pl
import pytest

from foretaste.events.answer_log import AnswerLog
from foretaste.events.backup import backup
from foretaste.events.erasure import erase_by_age, erase_person
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore
from foretaste.events.traces import count, occurrences
from foretaste.privacy.receipt import NOBODY

if TYPE_CHECKING:
    from pathlib import Path

ANN = "ann.smith@example.org"
STREET, LETTER, ORDER = "221B Baker Street", "letter-to-a-friend.txt", "order-7421-of-ann"
DAY = 86_400_000_000


def fill(store: SqliteStore) -> None:
    """Ann among a thousand others, in the middle, at the end, in a large import and in single events."""
    others = [f"customer-{i:04d}" for i in range(1000)]
    users = [*others, ANN, *others, ANN]
    store.import_frame(pl.DataFrame({"user": users, "item": [f"i{i % 97}" for i in range(len(users))]}))
    store.put_user(ANN, {"street": STREET})
    for i in range(30):
        store.append([Event(f"{ORDER}-{i}", ANN, f"i{i % 7}", "buy", i, context=f'{{"note": "{STREET} {i}"}}')])
        store.append([Event(f"order-{i}", others[i], "i3", "buy", i)])
    store.append([Event(f"{ORDER}-x", ANN, LETTER, "view", 99)])


def everything(store: SqliteStore) -> list[bytes]:
    """Whatever could lead back to Ann, as bytes in a file."""
    keys = store._read.keys
    pseudonym = keys.pseudonym(ANN)
    file = sqlite3.connect(store.path)
    code, sealed, columns = file.execute(
        "SELECT user, sealed, columns FROM person WHERE pseudonym = ?", (pseudonym,)
    ).fetchone()
    ids = [row[0] for row in file.execute("SELECT id FROM event WHERE user = ?", (code,))]
    file.close()
    plain = [text.encode() for text in (ANN, STREET, LETTER, ORDER)]
    return [pseudonym, sealed, columns, *ids, *plain]


def found_in(folder: Path, needles: list[bytes]) -> list[tuple[str, bytes]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [(file.name, needle) for file in files for needle in needles if needle in file.read_bytes()]


def test_the_log_never_names_anybody(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "events.db")
    fill(store)
    plain = [text.encode() for text in (ANN, ORDER, "customer-0001", "order-1")]
    assert found_in(tmp_path, plain) == []
    store.close()
    assert found_in(tmp_path, plain) == []


def test_nothing_leads_back_to_an_erased_person(tmp_path: Path) -> None:
    store, other = SqliteStore(tmp_path / "events.db"), SqliteStore(tmp_path / "events.db")
    fill(store)
    assert other.count(ANN) == 33, "another process, with caches of its own"
    needles = everything(store)
    assert len(found_in(tmp_path, needles)) >= len(needles) - 2, "or the search below would find nothing anyway"
    receipt = store.erase(ANN)
    assert receipt.found == {"events": 33, "names": 1, "columns": 1, "items nobody else touched": 1}
    assert receipt.remarks == ()
    assert found_in(tmp_path, needles) == []
    assert found_in(tmp_path, [receipt.id.encode()]) == []
    # What comes later brings nothing back: writing, following, closing, a backup.
    other.append([Event("new", "bob", "i1", "view", 5)])
    assert other.append([Event(f"{ORDER}-3", ANN, "i3", "buy", 3)])[0].status == "rejected"
    assert other.count(ANN) == 0
    assert found_in(tmp_path, needles) == []
    backup(tmp_path, tmp_path / "copy")
    store.close()
    other.close()
    assert found_in(tmp_path, needles) == []
    assert len(SqliteStore(tmp_path / "events.db").frame()) == 2000 + 30 + 1


def test_it_is_gone_however_full_the_file_is_and_wherever_they_stood_in_it(tmp_path: Path) -> None:
    """Pages that split leave copies behind; with three hundred people erased one after the other some would show."""
    store = SqliteStore(tmp_path / "events.db")
    people = [f"somebody.{i:03d}@example.org" for i in range(60)]
    for i in range(40):
        store.append([Event(f"{user}-{i}", user, f"only-{user}", "view", i) for user in people])
    keys = store._read.keys
    for user in people[::3]:
        store.erase(user)
    needles = [needle for user in people[::3] for needle in (keys.pseudonym(user), f"only-{user}".encode())]
    assert found_in(tmp_path, needles) == []
    assert store.count(people[1]) == 40
    assert store._writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def test_a_forgotten_entry_and_a_reset_leave_no_bytes_either(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "events.db")
    fill(store)
    assert store.forget(ANN, LETTER) == 1
    assert found_in(tmp_path, [LETTER.encode()]) == []
    assert store.reset(ANN) == 32
    assert found_in(tmp_path, [STREET.encode()]) == [], "the notes of events; what put_user said is sealed"
    store.close()


def test_who_reads_on_delays_it_and_the_receipt_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretaste.events.sqlite.file.SCRUB_SECONDS", 0.05)
    store = SqliteStore(tmp_path / "events.db")
    fill(store)
    needles = everything(store)
    reader = sqlite3.connect(store.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM event").fetchone()
    receipt = store.erase(ANN)
    assert receipt.found["events"] == 33
    assert "Old pages could not be cleared yet" in receipt.remarks[0]
    assert store.count(ANN) == 0
    reader.execute("COMMIT")
    reader.close()
    SqliteStore(store.path).close()  # the next opening, of a worker that starts, finishes it
    assert found_in(tmp_path, needles) == []
    store.close()


def test_people_may_be_erased_while_others_write(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "events.db")
    store.append([Event(f"ann-{i}", ANN, "i1", "view", i) for i in range(50)])
    stop, failed = threading.Event(), []

    def write(k: int) -> None:
        i = 0
        while not stop.is_set():
            outcome = store.append([Event(f"{k}-{i}", f"customer-{k}", f"i{i}", "view", i)])[0]
            failed.extend([outcome] if outcome.status != "accepted" else [])
            i += 1

    threads = [threading.Thread(target=write, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    assert store.erase(ANN).found["events"] == 50
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert store.count(ANN) == 0
    assert len(store.frame()) == store.position - 50
    store.close()


# The whole project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    store = SqliteStore(tmp_path / "events.db")
    fill(store)
    store.close()
    (tmp_path / "orders.csv").write_text(f"user,item\n{ANN},i1\nbob,i2\n{ANN},i3\n")
    (tmp_path / "bundles").mkdir()
    return tmp_path


def test_the_receipt_says_which_other_files_name_them(project: Path) -> None:
    receipt = erase_person(project, ANN)
    assert receipt.found["events"] == 33
    text = " ".join(receipt.remarks)
    assert "orders.csv names them 2 times" in text
    assert "`foretaste train` makes one that has not" in text
    assert ANN not in str(receipt.to_json())
    again = erase_person(project, ANN)
    assert again.total == 0
    assert again.remarks[0] == NOBODY
    assert len(again.remarks) == 2


def test_the_project_can_be_trained_again_and_the_person_stays_away(project: Path) -> None:
    erase_person(project, ANN)
    store = SqliteStore(project / "events.db")
    assert store.import_frame(pl.read_csv(project / "orders.csv")) == 1
    assert ANN not in set(store.frame()["user"])
    store.close()


def test_events_go_when_their_time_has_come(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(project / "events.db")
    store.append([Event("late", "bob", "i1", "view", 1000 * DAY)])
    store.close()
    monkeypatch.setattr("foretaste.events.erasure.now", lambda: 1300 * DAY)
    assert erase_by_age(project, 365).found == {"events": 61}
    store = SqliteStore(project / "events.db")
    assert store.frame()["time"].drop_nulls().to_list() == [1000 * DAY]
    store.close()


def test_bytes_are_found_across_blocks(tmp_path: Path) -> None:
    file, other = tmp_path / "f", tmp_path / "nowhere"
    for before in range(20):
        file.write_bytes(b"." * before + b"needle" + b"." * 9 + b"needle")
        assert count(file, [b"needle", b"thread"], block_bytes=7) == 2
    assert occurrences([file, other], [b"needle", b"thread"]) == [2, None]


# The log stays whole while others come and go. Closing any handle of a file takes a process's locks on it away, so
# whoever leaves next would remove the write-ahead log under the feet of those who write to it.

COME_AND_GO = """
import sys
from pathlib import Path
from foretaste.events.answer_log import AnswerLog
from foretaste.events.sqlite.store import SqliteStore
folder = Path(sys.argv[1])
SqliteStore(folder / "events.db").close()
if book := AnswerLog.existing(folder):
    book.close()
"""


def come_and_go(folder: Path) -> None:
    """Another process opens what is there and closes it, as any command does."""
    subprocess.run([sys.executable, "-c", COME_AND_GO, str(folder)], check=True)


def test_what_comes_after_an_erasure_is_kept_while_others_come_and_go(project: Path) -> None:
    log = project / "events.db"
    store = SqliteStore(log)
    assert store.erase(ANN).remarks == ()
    come_and_go(project)
    assert store.append([Event("after", "bob", "i1", "view", 5)])[0].status == "accepted"
    there = SqliteStore(log)
    assert there.count("bob") == 1
    there.close()
    store.close()
    again = SqliteStore(log)
    assert again.count("bob") == 1
    again.close()


def test_an_erasure_in_the_whole_project_leaves_what_others_have_open_alone(project: Path) -> None:
    """It looks into every file of the folder, and one of them may be in use as a database."""
    store, book = SqliteStore(project / "events.db"), AnswerLog(project)
    try:
        assert "orders.csv names them 2 times" in erase_person(project, ANN).remarks[0]
        come_and_go(project)
        assert (project / "events.db-wal").exists()
        assert (project / "answers.db-wal").exists()
    finally:
        book.close()
        store.close()


def test_where_no_process_can_look_the_file_is_written_anew_and_the_receipt_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path / "events.db")
    fill(store)
    needles = everything(store)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    receipt = store.erase(ANN)
    assert receipt.found["events"] == 33
    assert "no process could be started to look" in receipt.remarks[0]
    assert found_in(tmp_path, needles) == []
    store.close()
