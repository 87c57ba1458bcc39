"""Every store there is, for the tests of what all of them promise."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from foretaste.events.memory import MemoryStore
from foretaste.events.protocols import EventStore
from foretaste.events.sqlite.store import SqliteStore

Make = Callable[[], EventStore]

EMPTY = """
    TRUNCATE person, item, kind, event, gone, erased;
    UPDATE meta SET number = 0 WHERE name IN ('epoch', 'seq', 'change');
    DELETE FROM meta WHERE name = 'floor';
"""


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, fast_folder: Path) -> Make:
    """Makes a new, empty store each time it is called; of PostgreSQL there is one at a time."""
    if request.param == "memory":
        return MemoryStore
    count = itertools.count()
    if request.param == "sqlite":
        folder = Path(tempfile.mkdtemp(dir=fast_folder))
        return lambda: SqliteStore(folder / f"{next(count)}.db")
    url = request.getfixturevalue("postgres_server").get_uri()

    opened: list[EventStore] = []

    def empty() -> EventStore:
        from foretaste.events.postgres.store import PostgresStore

        while opened:
            opened.pop().close()
        store = PostgresStore(url, fast_folder, schema="contract")
        opened.append(store)
        with store._connection() as connection:
            connection.execute(EMPTY)
        return store

    return empty
