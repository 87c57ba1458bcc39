"""Erasure in a whole project: the log and the past answers, and a search of all other files for the person's name."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

from foretaste.errors import StoreError
from foretaste.events.answer_log import AnswerLog
from foretaste.events.clock import now
from foretaste.events.opening import has_log, open_store
from foretaste.events.sqlite.remove import TELLING_BYTES
from foretaste.events.traces import occurrences
from foretaste.privacy.keys import KEY_FILE
from foretaste.privacy.receipt import Receipt

if TYPE_CHECKING:
    from pathlib import Path

LOG_FILES = ("events.db", "events.db-wal", "events.db-shm", KEY_FILE)
EVERY = 1 << 62


def erase_person(folder: Path, user: str) -> Receipt:
    """Remove a person from the log of a project; the receipt also lists other files in the folder that name them.

    Files that foretaste did not write are not changed; their owner has to. Until then the log rejects the person's
    events in every import of them.
    """
    _check(folder)
    store = open_store(None, folder)
    try:
        receipt = store.erase(user)
    finally:
        store.close()
    if (book := AnswerLog.existing(folder)) is not None:
        with closing(book):
            receipt.found["answers"] = book.forget(user, now())
    remarks = [] if len(user.encode()) < TELLING_BYTES else _of_other_files(folder, user)
    if receipt.total and (folder / "bundles").is_dir():
        remarks.append(
            "Bundles hold no names, but those trained before this have learned from what the person did, as from "
            "everybody; `foretaste train` makes one that has not."
        )
    if receipt.total:
        remarks.append("Backups made before this still hold them; delete those, or erase again after a restore.")
    return Receipt(receipt.found, (*receipt.remarks, *remarks), receipt.at, receipt.id)


def erase_by_age(folder: Path, days: int) -> Receipt:
    """Remove events older than so many days, and reject such events from now on."""
    _check(folder)
    store = open_store(None, folder)
    try:
        before = now() - int(timedelta(days=days) / timedelta(microseconds=1))
        found = {"events": store.forget_before(before)}
    finally:
        store.close()
    if (book := AnswerLog.existing(folder)) is not None:
        with closing(book):
            found["answers"] = book.prune(EVERY, before)
    return Receipt(found, ("Backups made before this still hold them; delete those when their time has come.",))


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise StoreError(f"{folder} is not a folder; name a project with --project.")
    if not has_log(folder):  # to erase must not make one
        raise StoreError(f"There is no event log in {folder.resolve()}; name a project with -p.")


def _of_other_files(folder: Path, user: str) -> list[str]:
    """Which files other than the log's name the person, and how often. Compressed files are not searched."""
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.is_symlink() and file.name not in LOG_FILES
    ]
    try:
        found = zip(files, occurrences(files, [user.encode()]), strict=True)
    except OSError:
        return ["No process could be started to look whether other files in the folder name them; see to those."]
    return [
        f"{file.relative_to(folder)} names them {n:,} times. It is your file: take them out of it. Imports leave them "
        "out already."
        for file, n in found
        if n
    ]
