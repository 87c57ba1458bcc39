"""What an acknowledgement is worth when the power goes: full sync, and a file cut at any byte behind it."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from foretaste.events.model import Event
from foretaste.events.sqlite.file import connect
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

FULL = 2


def batch(start: int, n: int) -> list[Event]:
    return [Event(f"e{i}", f"u{i % 7}", f"i{i % 11}", "view", i) for i in range(start, start + n)]


def test_every_connection_syncs_fully_and_writes_ahead(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    reader = connect(store.path)
    for connection in (store._writer, reader):
        assert connection.execute("PRAGMA synchronous").fetchone() == (FULL,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
    reader.close()
    store.close()


def test_a_power_cut_keeps_what_was_acknowledged_and_nothing_by_halves(tmp_path: Path) -> None:
    """At each acknowledgement the synced length of the write-ahead log is known; what lies behind it may be lost,
    torn or garbled by a cut during the next write. The files are copied as a cut would leave them, and opened.
    """
    store = SqliteStore(tmp_path / "log.db")
    wal = tmp_path / "log.db-wal"
    rng = random.Random(0)
    synced, acknowledged = wal.stat().st_size if wal.exists() else 0, 0
    for round_ in range(12):
        n = rng.choice([1, 3, 40])
        store.append(batch(acknowledged, n))
        whole = wal.read_bytes()
        for trial in range(3):
            cut = rng.randint(synced, len(whole))
            torn = bytearray(whole[:cut])
            if trial == 2 and cut > synced:  # the disk wrote the later part first
                for at in rng.sample(range(synced, cut), min(5, cut - synced)):
                    torn[at] ^= 0xFF
            lost = tmp_path / f"cut-{round_}-{trial}"
            lost.mkdir()
            shutil.copy(tmp_path / "foretaste.key", lost)
            shutil.copy(tmp_path / "log.db", lost)
            (lost / "log.db-wal").write_bytes(torn)
            again = SqliteStore(lost / "log.db")
            kept = again.frame()["time"].to_list()
            assert kept in (list(range(acknowledged)), list(range(acknowledged + n)))
            assert again._writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert sum(count for _, count in again.users(10)) == len(kept)
            again.close()
        acknowledged += n
        synced = len(whole)
    store.close()


TRACED = """
import os, sys
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
for i in range(5):
    store.append([Event(f"e{i}", "ann", "50", "view", i)])
    os.write(1, b"acknowledged\\n")
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (apt-get install strace)")
def test_the_log_is_synced_before_each_acknowledgement(tmp_path: Path) -> None:
    """Seen from outside: between two acknowledgements, what was written to the log file was synced, and last of all."""
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,pwrite64,write"
    command = [
        "strace",
        "-f",
        "-y",
        "-o",
        str(trace),
        "-e",
        calls,
        sys.executable,
        "-c",
        TRACED,
        str(tmp_path / "x.db"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("this machine does not let one process trace another")
    assert done.returncode == 0, done.stderr
    since: list[str] = []
    found = 0
    for line in trace.read_text().splitlines():
        if "acknowledged" in line:
            assert since.index("sync") > 0
            assert since[-1] == "sync", "something was written behind the sync"
            found, since = found + 1, []
        elif re.search(r"(fsync|fdatasync)\(\d+<[^>]*x\.db-wal>\)\s+= 0", line):
            since.append("sync")
        elif re.search(r"pwrite64\(\d+<[^>]*x\.db-wal>", line):
            since.append("write")
    assert found == 5


def test_a_copy_of_a_live_file_without_its_log_is_still_a_store(tmp_path: Path) -> None:
    """The database file alone, as after a cut that lost the whole log: an older state, and a sound one."""
    store = SqliteStore(tmp_path / "log.db")
    store.append(batch(0, 50))
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.append(batch(50, 50))
    lost = tmp_path / "lost"
    lost.mkdir()
    for name in ("log.db", "foretaste.key"):
        shutil.copy(tmp_path / name, lost)
    assert SqliteStore(lost / "log.db").frame()["time"].to_list() == list(range(50))
    with sqlite3.connect(lost / "log.db") as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()
