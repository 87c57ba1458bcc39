"""Backup and restore: a copy of a project's log at one moment, with its key, settings and checksums.

backup/
├── manifest.json   time, version, position of the log, SHA-256 of every file
├── events.db       the log, compacted; nothing that was erased is in it
├── foretaste.key   unless it is kept elsewhere: without it no user name in the log can be decrypted
└── foretaste.toml  if the project has one
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import ValidationError

from foretaste.config import Config
from foretaste.errors import DataError, StoreError
from foretaste.events.sqlite.file import as_store_errors, connect
from foretaste.events.sqlite.schema import SCHEMA_VERSION, is_current
from foretaste.events.sqlite.write import POSITION
from foretaste.privacy.files import put_in_place, sync_folder
from foretaste.privacy.keys import KEY_FILE, read_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Progress = Callable[[str, int, int], None]

LOG, SETTINGS, MANIFEST = "events.db", "foretaste.toml", "manifest.json"
BLOCK_BYTES = 8 << 20


class BackupManifest(Config):
    made: str
    """When, ISO 8601 in UTC."""
    foretaste: str
    schema_version: int
    position: int
    """seq of the last event in it."""
    events: int
    files: dict[str, str]
    """File name to SHA-256."""


def _quiet(what: str, done: int, total: int) -> None:
    pass


def backup(folder: Path, target: Path, *, with_key: bool = True, progress: Progress = _quiet) -> BackupManifest:
    """Copy the log of a project while it is in use, as of one moment; `target` appears once complete and synced.

    Readers and writers are not blocked; what they write meanwhile is not in the copy.
    """
    from foretaste import __version__

    source = folder / LOG
    if not source.exists():
        raise StoreError(f"{source} is not there; name a project folder with an event log.")
    if target.exists():
        raise DataError(f"{target} exists already; name another folder for the backup.")
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.mkdir(mode=0o700, parents=True)
        events, position = _copy_log(source, beside / LOG, progress)
        for name in (KEY_FILE, SETTINGS):
            if (folder / name).exists() and (with_key or name != KEY_FILE):
                shutil.copy2(folder / name, beside / name)
        files = {file.name: _hash(file, "checksums", progress) for file in sorted(beside.iterdir())}
        manifest = BackupManifest(
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            foretaste=__version__,
            schema_version=SCHEMA_VERSION,
            position=position,
            events=events,
            files=files,
        )
        (beside / MANIFEST).write_text(json.dumps(manifest.model_dump(), indent=2) + "\n", encoding="utf-8")
        for file in beside.iterdir():
            _sync(file)
        sync_folder(beside)
        beside.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or error}; check the folder.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def restore(source: Path, folder: Path, *, key: Path | None = None, progress: Progress = _quiet) -> BackupManifest:
    """Verify a backup completely and copy it into a project folder that has no log yet.

    The log is copied last and appears by one rename, so an interrupted restore is completed by running it again.

    key : the key file, where the backup was made without it
    """
    manifest = verify(source, progress)
    if (folder / LOG).exists():
        raise DataError(f"{folder / LOG} exists already, and nothing is overwritten; restore into another folder.")
    key_file = key or source / KEY_FILE
    if not key_file.exists():
        raise DataError(f"{source} was made without its key; name the key file with --key.")
    fingerprint, log = read_keys(key_file).fingerprint(), source / LOG
    with as_store_errors(log):
        file = sqlite3.connect(f"file:{log}?mode=ro&immutable=1", uri=True)
        try:
            if file.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()[0] != fingerprint:
                raise DataError(f"{key_file} is not the key of this backup; name the one that was beside its log.")
            if (found := file.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
                raise DataError(f"{log} is damaged ({found}); take an older backup.")
        finally:
            file.close()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        placed = folder / KEY_FILE
        if placed.exists() and read_keys(placed).fingerprint() != fingerprint:
            raise DataError(f"{placed} is the key of another log, and nothing is overwritten; use another folder.")
        for name, file_from in ((KEY_FILE, key_file), (SETTINGS, source / SETTINGS), (LOG, log)):
            if file_from.exists() and not (folder / name).exists():
                _place(file_from, folder / name)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror or error}; check the folder.") from error
    return manifest


def verify(source: Path, progress: Progress = _quiet) -> BackupManifest:
    """The manifest of a backup; DataError unless all its files are present and unchanged."""
    try:
        read = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        manifest = BackupManifest.model_validate(read)
    except FileNotFoundError:
        raise DataError(f"{source} has no {MANIFEST}; it is not a backup, or not a whole one.") from None
    except (OSError, ValueError, ValidationError) as error:
        raise DataError(f"{source / MANIFEST} cannot be read; take another backup. ({type(error).__name__})") from error
    for name, expected in manifest.files.items():
        file = source / name
        if "/" in name or not file.is_file():
            raise DataError(f"{source} lacks the file {name}; it is not a whole backup.")
        if _hash(file, "checking", progress) != expected:
            raise DataError(f"{file} is not what was backed up: its checksum differs. Take another backup.")
    return manifest


def _copy_log(source: Path, target: Path, progress: Progress) -> tuple[int, int]:
    """A compact copy as of one moment; (events, position)."""
    os.close(os.open(target, os.O_CREAT | os.O_RDWR, 0o600))
    with as_store_errors(source):
        reader = connect(source)
        try:
            if not is_current(reader):
                raise StoreError(f"{source} is of another version; open it once, with `foretaste train` or `serve`.")
            pages, size = (reader.execute(f"PRAGMA {of}").fetchone()[0] for of in ("page_count", "page_size"))

            def report() -> int:
                progress("copying", min(target.stat().st_size, pages * size - 1), pages * size)
                return 0

            reader.set_progress_handler(report, 200_000)
            reader.execute("VACUUM INTO ?", (str(target),))
            progress("copying", pages * size, pages * size)
        finally:
            reader.close()
        copy = sqlite3.connect(target)
        try:
            (events,) = copy.execute("SELECT count(*) FROM event").fetchone()
            (position,) = copy.execute(POSITION).fetchone()
        finally:
            copy.close()
    return events, position


def _hash(file: Path, what: str, progress: Progress) -> str:
    found, done, total = sha256(), 0, file.stat().st_size
    with file.open("rb") as opened:
        while block := opened.read(BLOCK_BYTES):
            found.update(block)
            done += len(block)
            progress(f"{what} {file.name}", done, total)
    return found.hexdigest()


def _place(source: Path, target: Path) -> None:
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with source.open("rb") as read, os.fdopen(os.open(beside, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as write:
            shutil.copyfileobj(read, write, BLOCK_BYTES)
        _sync(beside)
        put_in_place(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
