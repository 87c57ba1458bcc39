"""A full disk: one clear error, nothing kept by halves, nothing damaged, and on it goes once there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from foretaste.errors import StoreFullError
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


def batch(k: int, n: int = 200) -> list[Event]:
    return [Event(f"{k}-{i}", f"person-{k}-{i}", f"item-{i}", "view", i) for i in range(n)]


def limit(store: SqliteStore, more_pages: int) -> None:
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + more_pages}")


def test_nothing_of_the_request_is_kept_and_the_next_one_works_once_there_is_room(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    store.append(batch(0))
    store.put_items({"tea": {}})
    before = store.frame()
    limit(store, 4)
    failed = next(k for k in range(1, 50) if not _works(store, k))
    assert store.position == 200 * failed
    with pytest.raises(StoreFullError, match=r"no room left for .*log\.db; nothing of this request was kept"):
        store.put_items({str(i): {"text": "x" * 1_000} for i in range(200)})
    with pytest.raises(StoreFullError):
        store.import_frame(pl.DataFrame({"user": [f"u{i}" for i in range(5_000)], "item": ["x"] * 5_000}))
    assert [item.name for item in store.items()] == ["tea"]
    assert store.frame().head(200).equals(before)
    assert store.append([Event("0-0", "person-0-0", "item-0", "view", 0)])[0].status == "duplicate"
    limit(store, 10_000)
    assert {outcome.status for outcome in store.append(batch(failed))} == {"accepted"}
    assert store.position == 200 * (failed + 1)
    assert store.count("person-0-3") == 1
    assert store._writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def _works(store: SqliteStore, k: int) -> bool:
    try:
        store.append(batch(k))
    except StoreFullError:
        return False
    return True


@pytest.mark.parametrize("events", [1, 40])
def test_a_person_can_be_erased_although_the_disk_is_full(
    tmp_path: Path, events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretaste.events.sqlite.file.SCRUB_SECONDS", 0.05)
    store = SqliteStore(tmp_path / "log.db")
    store.append([*batch(0), *(Event(f"more-{i}", "grace", f"item-{i}", "view", i) for i in range(events))])
    store.put_user("grace", {"name": "Grace Hopper"})
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    limit(store, 1)
    assert store.erase("grace").found["events"] == events
    assert store.count("grace") == 0
    store.close()
