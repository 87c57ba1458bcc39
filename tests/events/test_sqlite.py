"""What only the file of events promises: it survives, it is shared, and it is refused when it is not ours."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import pytest

from foretaste.errors import StoreError
from foretaste.events.model import Event
from foretaste.events.sqlite import store as store_module
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

WRITE_FOREVER = """
import sys
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
batch = int(sys.argv[2])
for start in range(0, 10_000_000, batch):
    store.append([Event(f"e{i}", f"u{i % 7}", f"i{i % 11}", "view", i) for i in range(start, start + batch)])
    print(start + batch, flush=True)  # the acknowledgement
"""


def events(n: int, prefix: str = "e") -> list[Event]:
    return [Event(f"{prefix}{i}", f"u{i % 3}", f"i{i}", "view", i) for i in range(n)]


@pytest.mark.parametrize("batch", [1, 50])
def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path, batch: int) -> None:
    path = tmp_path / "log.db"
    command = [sys.executable, "-c", WRITE_FOREVER, str(path), str(batch)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(40):  # at full speed, and then without warning
            acknowledged = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if line.endswith("\n"))])

    store = SqliteStore(path)
    kept = store.frame()["time"].to_list()
    assert kept == list(range(len(kept)))  # all of them, none twice, in order
    assert len(kept) >= acknowledged
    assert len(kept) % batch == 0  # a batch is kept whole or not at all
    # The client that got no answer sends its last batch again.
    retried = [Event(f"e{i}", f"u{i % 7}", f"i{i % 11}", "view", i) for i in range(acknowledged, acknowledged + batch)]
    store.append(retried)
    assert len(store.frame()) == acknowledged + batch
    assert sum(n for _, n in store.users(10)) == acknowledged + batch
    store.close()


def test_everything_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    store.append(events(5))
    before = store.frame()
    store.close()
    again = SqliteStore(tmp_path / "log.db")
    assert again.frame().equals(before)
    assert {outcome.status for outcome in again.append(events(5))} == {"duplicate"}


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    first, second = SqliteStore(tmp_path / "log.db"), SqliteStore(tmp_path / "log.db")

    def write(store: SqliteStore, prefix: str) -> None:
        for event in events(60, prefix):
            assert store.append([event])[0].status == "accepted"

    threads = [threading.Thread(target=write, args=pair) for pair in ((first, "a"), (second, "b"), (first, "c"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(first.frame()) == 180
    assert first.frame().equals(second.frame())
    assert first.users(5) == second.users(5)


def test_what_one_worker_changes_another_sees(tmp_path: Path) -> None:
    one, other = SqliteStore(tmp_path / "log.db"), SqliteStore(tmp_path / "log.db")
    mark = other.mark()
    one.put_items({"tea": {"title": "Tea"}, "mug": {}})
    one.hide_item("mug")
    other.put_items({"cup": {}})
    one.delete_item("tea")
    one.append(events(2))
    news = other.follow(mark)
    assert [(item.name, item.hidden, item.deleted) for item in news.items] == [
        ("mug", True, False),
        ("cup", False, False),
        ("tea", False, True),
    ]
    assert [event.user for event in news.events] == ["u0", "u1"]
    assert not news.forgotten
    other.erase("u1")
    one.append([Event("after", "u1", "i1", "view", 4_000_000_000_000_000)])  # its caches still knew the code of u1
    assert one.count("u1") == other.count("u1") == 1
    assert other.history("u1").item == ["i1"]
    assert one.follow(news.mark).forgotten


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    store.append(events(1))
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_an_import_cut_short_is_finished_by_doing_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretaste.events.event_frames.CHUNK_ROWS", 4)
    frame = pl.DataFrame({"user": ["a", "b"] * 5, "item": ["x"] * 10})
    store = SqliteStore(tmp_path / "log.db")
    store.import_frame(frame.head(6))
    assert store.import_frame(frame) == 4
    assert store.frame()["user"].to_list() == ["a", "b"] * 5


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    store.append(events(3))
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(store.history("u0")) == 1
    other.execute("ROLLBACK")
    other.close()


def test_a_busy_file_is_said_to_be_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path / "log.db")
    monkeypatch.setattr("foretaste.events.sqlite.file.WAIT_SECONDS", 0.0)
    store._writer.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"log\.db is busy: another process has been writing"):
        store.append(events(1))
    other.execute("ROLLBACK")
    other.close()
    assert store.append(events(1))[0].status == "accepted"


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("user,item\n" * 100)
    with pytest.raises(StoreError, match=r"notes\.txt is not an event store; name another file\."):
        SqliteStore(path)
    assert path.read_text() == "user,item\n" * 100


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a database of another program"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_from_a_newer_foretaste_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "log.db").close()
    with sqlite3.connect(tmp_path / "log.db") as newer:
        newer.execute("PRAGMA user_version = 7")
    newer.close()
    with pytest.raises(StoreError, match="version 7, and this foretaste reads version 2"):
        SqliteStore(tmp_path / "log.db")


def test_a_missing_folder_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened: No such file or directory"):
        SqliteStore(tmp_path / "nowhere" / "log.db")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.history("u0")
    with pytest.raises(StoreError, match="is closed"):
        store.append(events(1))


def interrupted_at(step: int, work: Callable[[], object]) -> bool:
    """Do it, and press Ctrl-C as the so-manieth function of ours or of contextlib is entered; whether it came so far.

    As a function is entered is when Python hears of Ctrl-C.
    """
    entered = 0

    def profile(frame: FrameType, event: str, arg: object) -> None:
        nonlocal entered
        code = frame.f_code
        ours = ("foretaste/events" in code.co_filename or "contextlib" in code.co_filename) and code.co_name[0] != "<"
        entered += event == "call" and ours
        if entered == step:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return entered >= step


@pytest.mark.parametrize("what", ["import", "erase"])
def test_ctrl_c_at_any_step_leaves_a_log_that_can_be_used_and_closed(tmp_path: Path, what: str) -> None:
    store = SqliteStore(tmp_path / "log.db")
    kept = []  # as a notebook keeps the last error, and with it every frame that was interrupted
    for step in range(1, 10_000):
        name = f"u{step}"
        frame = pl.DataFrame({"user": [name], "item": ["x"]})
        if what == "erase":
            store.import_frame(frame)
            kept.clear()
        try:
            work = partial(store.import_frame, frame) if what == "import" else partial(store.erase, name)
            if not interrupted_at(step, work):
                break
        except KeyboardInterrupt as error:
            kept.append(error)
        assert store._lock.acquire(timeout=0.01), f"held for good after step {step}"
        store._lock.release()
        assert not store._writer.in_transaction, f"open for good after step {step}"
    assert step > 20
    assert store.import_frame(pl.DataFrame({"user": ["late"], "item": ["x"]})) == 1
    kept.clear()
    gc.collect()
    assert store.count("late") == 1
    store.close()


def test_a_log_that_somebody_still_writes_to_can_be_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "CLOSE_SECONDS", 0.01)
    store = SqliteStore(tmp_path / "log.db")
    store.append(events(1))
    with store._lock:
        store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.append(events(1))
    assert len(SqliteStore(tmp_path / "log.db").frame()) == 1
