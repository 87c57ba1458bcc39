"""Export and import, backup and restore: whole or not at all, and the same log at the other end."""

from __future__ import annotations

import json
import stat
import threading
from typing import TYPE_CHECKING

import polars as pl
import pytest

from foretaste.errors import DataError, StoreError
from foretaste.events.backup import backup, restore, verify
from foretaste.events.memory import MemoryStore
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore
from foretaste.events.transfer import export_log, import_export, is_export

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a log."""
    project = tmp_path / "shop"
    project.mkdir()
    store = SqliteStore(project / "events.db")
    store.append([Event(f"e{i}", f"u{i % 7}", f"i{i}", "view", i, context="{}" if i % 2 else None) for i in range(250)])
    store.import_frame(pl.DataFrame({"user": ["ann", "ann", "Zoë\x00"], "item": ["a", "a", "é"]}))
    store.put_items({"tea": {"title": "Tea"}})
    store.put_user("ann", {"country": "GB"})
    store.close()
    return project


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_an_export_imported_elsewhere_is_the_same_log(
    folder: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretaste.events.transfer.ROWS_AT_ONCE", 60)
    store, file, said = SqliteStore(folder / "events.db"), tmp_path / f"out{suffix}", []
    assert export_log(store, file, lambda *words: said.append(words)) == 253
    assert said[-1] == ("exporting", 253, 253)
    assert len(said) == 5
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert is_export(file)
    assert import_export(store, file) == (0, 253)
    other = MemoryStore()
    assert import_export(other, file, lambda *words: said.append(words)) == (253, 253)
    assert said[-1] == ("importing", 253, 253)
    assert other.frame(whole=True).drop("seq").equals(store.frame(whole=True).drop("seq"))
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == [file.name]
    store.close()


def test_a_retry_is_recognised_after_a_move_with_the_key(folder: Path, tmp_path: Path) -> None:
    store = SqliteStore(folder / "events.db")
    export_log(store, tmp_path / "out.parquet")
    store.close()
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "foretaste.key").write_bytes((folder / "foretaste.key").read_bytes())
    other = SqliteStore(moved / "events.db")
    import_export(other, tmp_path / "out.parquet")
    assert other.append([Event("e3", "u3", "i3", "view", 3, context="{}")])[0].status == "duplicate"
    other.close()


def test_an_import_cut_short_is_finished_by_doing_it_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretaste.events.transfer.ROWS_AT_ONCE", 60)
    store = SqliteStore(folder / "events.db")
    export_log(store, tmp_path / "out.jsonl")

    def cut(what: str, done: int, total: int) -> None:
        if done > 100:
            raise KeyboardInterrupt

    other = MemoryStore()
    with pytest.raises(KeyboardInterrupt):
        import_export(other, tmp_path / "out.jsonl", cut)
    begun = other.position
    assert 100 < begun < 253
    assert import_export(other, tmp_path / "out.jsonl") == (253 - begun, 253)
    assert other.frame()["item"].to_list() == store.frame()["item"].to_list()
    store.close()


def test_an_export_cut_short_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    store = SqliteStore(folder / "events.db")

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(BaseException):  # noqa: B017, PT011  # polars wraps what a source raises
        export_log(store, tmp_path / "out.parquet", cut)
    assert [entry.name for entry in tmp_path.iterdir()] == ["shop"]
    store.close()


def test_nothing_is_overwritten_and_formats_are_named(folder: Path, tmp_path: Path) -> None:
    store = SqliteStore(folder / "events.db")
    (tmp_path / "mine.jsonl").write_text("precious")
    with pytest.raises(DataError, match=r"mine\.jsonl exists already"):
        export_log(store, tmp_path / "mine.jsonl")
    assert (tmp_path / "mine.jsonl").read_text() == "precious"
    with pytest.raises(DataError, match=r"'out\.xls' is neither \.parquet nor \.jsonl"):
        export_log(store, tmp_path / "out.xls")
    with pytest.raises(DataError, match="cannot be written"):
        export_log(store, tmp_path / "nowhere" / "out.jsonl")
    assert not is_export(tmp_path / "mine.jsonl")
    with pytest.raises(DataError, match="cannot be read as JSON lines"):
        import_export(store, tmp_path / "mine.jsonl")
    store.close()


# Backup and restore


def test_a_restored_backup_is_the_same_store(folder: Path, tmp_path: Path) -> None:
    (folder / "foretaste.toml").write_text("name = 'shop'\n")
    store = SqliteStore(folder / "events.db")
    made = backup(folder, tmp_path / "copy")
    assert (made.events, made.position) == (253, 253)
    assert set(made.files) == {"events.db", "foretaste.key", "foretaste.toml"}
    assert verify(tmp_path / "copy") == made
    assert {stat.S_IMODE((tmp_path / "copy" / name).stat().st_mode) for name in ("events.db", "foretaste.key")} == {
        0o600
    }
    store.append([Event("later", "bob", "i1", "view", 1)])
    assert restore(tmp_path / "copy", tmp_path / "new" / "shop") == made
    again = SqliteStore(tmp_path / "new" / "shop" / "events.db")
    assert again.frame(whole=True).equals(store.frame(limit=253, whole=True))
    assert again.users(20) == [pair for pair in store.users(20) if pair[0] != "bob"]
    assert again.items() == store.items()
    assert again.user("ann") == {"country": "GB"}
    assert again.append([Event("e3", "u3", "i3", "view", 3, context="{}")])[0].status == "duplicate"
    assert again.append([Event("next", "bob", "i1", "view", 1)])[0].status == "accepted"
    assert again.position == 254
    again.close()
    store.close()


def test_a_backup_under_load_is_of_one_moment(folder: Path, tmp_path: Path) -> None:
    store, stop = SqliteStore(folder / "events.db"), threading.Event()

    def write() -> None:
        i = 0
        while not stop.is_set():
            store.append([Event(f"a{i}", "ann", f"x{i}", "view", i), Event(f"b{i}", "bob", f"x{i}", "view", i)])
            i += 1

    writer = threading.Thread(target=write)
    writer.start()
    made = [backup(folder, tmp_path / f"copy{k}") for k in range(3)]
    stop.set()
    writer.join()
    for k, manifest in enumerate(made):
        restore(tmp_path / f"copy{k}", tmp_path / f"new{k}")
        again = SqliteStore(tmp_path / f"new{k}" / "events.db")
        log = again.frame()
        assert log.equals(store.frame(limit=manifest.events))
        assert len(log) == manifest.events == manifest.position
        assert (manifest.events - 253) % 2 == 0, "no transaction by halves"
        again.close()
    store.close()


def test_a_backup_without_its_key_needs_it_to_be_restored(folder: Path, tmp_path: Path) -> None:
    backup(folder, tmp_path / "copy", with_key=False)
    assert not (tmp_path / "copy" / "foretaste.key").exists()
    with pytest.raises(DataError, match="was made without its key; name the key file with --key"):
        restore(tmp_path / "copy", tmp_path / "new")
    SqliteStore(tmp_path / "other.db").close()
    with pytest.raises(DataError, match="is not the key of this backup"):
        restore(tmp_path / "copy", tmp_path / "new", key=tmp_path / "foretaste.key")
    assert not (tmp_path / "new").exists()
    restore(tmp_path / "copy", tmp_path / "new", key=folder / "foretaste.key")
    assert SqliteStore(tmp_path / "new" / "events.db").count("ann") == 2


def test_a_restore_overwrites_nothing(folder: Path, tmp_path: Path) -> None:
    backup(folder, tmp_path / "copy")
    before = (folder / "events.db").read_bytes()
    with pytest.raises(DataError, match="nothing is overwritten"):
        restore(tmp_path / "copy", folder)
    assert (folder / "events.db").read_bytes() == before
    with pytest.raises(DataError, match="exists already; name another folder for the backup"):
        backup(folder, tmp_path / "copy")
    other = tmp_path / "other"
    other.mkdir()
    SqliteStore(other / "another.db").close()  # a folder with a key of its own
    with pytest.raises(DataError, match="is the key of another log"):
        restore(tmp_path / "copy", other)
    assert not (other / "events.db").exists()


def test_a_restore_cut_short_is_finished_by_doing_it_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foretaste.events import backup as module

    backup(folder, tmp_path / "copy")
    place = module._place

    def cut(source: Path, target: Path) -> None:
        if target.name == "events.db":
            raise OSError(5, "Input/output error")
        place(source, target)

    monkeypatch.setattr(module, "_place", cut)
    with pytest.raises(DataError, match="Input/output error"):
        restore(tmp_path / "copy", tmp_path / "new")
    assert not (tmp_path / "new" / "events.db").exists()
    monkeypatch.undo()
    restore(tmp_path / "copy", tmp_path / "new")
    assert SqliteStore(tmp_path / "new" / "events.db").position == 253


def test_a_damaged_backup_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    backup(folder, copy)
    log = bytearray((copy / "events.db").read_bytes())
    log[len(log) // 2] ^= 1
    (copy / "events.db").write_bytes(log)
    with pytest.raises(DataError, match=r"events\.db is not what was backed up: its checksum differs"):
        restore(copy, tmp_path / "new")
    (copy / "events.db").unlink()
    with pytest.raises(DataError, match=r"lacks the file events\.db"):
        restore(copy, tmp_path / "new")
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "files": {"../shop/events.db": "0"}}))
    with pytest.raises(DataError, match="lacks the file"):
        restore(copy, tmp_path / "new")
    (copy / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"manifest\.json cannot be read"):
        restore(copy, tmp_path / "new")
    with pytest.raises(DataError, match="it is not a backup, or not a whole one"):
        restore(folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_without_a_log_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="name a project folder with an event log"):
        backup(tmp_path, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []
