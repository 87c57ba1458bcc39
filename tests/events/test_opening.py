"""Which store an address means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foretaste.errors import StoreError
from foretaste.events.opening import VARIABLE, open_store
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


def test_by_default_it_is_a_file_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    store = open_store(None, tmp_path)
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "events.db"
    store.close()


def test_the_environment_and_the_caller_may_name_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "here.db")
    for where, name in ((None, "here.db"), ("there.db", "there.db"), (tmp_path / "away.db", "away.db")):
        store = open_store(where, tmp_path)
        assert isinstance(store, SqliteStore)
        assert store.path == tmp_path / name
        store.close()


def test_a_schema_that_is_not_a_name_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    from foretaste.events.postgres.store import PostgresStore

    with pytest.raises(StoreError, match="cannot be the name of a PostgreSQL schema"):
        PostgresStore("postgresql:///x", tmp_path, schema="x; DROP TABLE event")
