"""Opens the event store that an address names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foretaste.events.protocols import EventStore

VARIABLE = "FORETASTE_STORE"
"""Environment variable with the address of the store; addresses hold passwords, and so stay out of files."""
EVENTS_FILE = "events.db"
POSTGRES = ("postgresql://", "postgres://")


def has_log(folder: Path) -> bool:
    """Whether a project folder has an event log, without making one; one in PostgreSQL is assumed to exist."""
    address = os.environ.get(VARIABLE) or EVENTS_FILE
    return address.startswith(POSTGRES) or (folder / address).exists()


def open_store(where: Path | str | None, folder: Path | str) -> EventStore:
    """The event store of a project folder.

    where : postgresql://user@host/database, or the path of a SQLite file, relative to the folder; None for the value
            of FORETASTE_STORE, or events.db in the folder. The key file is in the folder (PostgreSQL), or beside the
            SQLite file
    """
    address = str(where or os.environ.get(VARIABLE) or EVENTS_FILE)
    if address.startswith(POSTGRES):
        from foretaste.events.postgres.store import PostgresStore

        return PostgresStore(address, folder)
    from foretaste.events.sqlite.store import SqliteStore

    return SqliteStore(Path(folder) / address)
