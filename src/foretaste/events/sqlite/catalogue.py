"""Writes of the live catalogue in a SQLite store, each within a transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.events.sqlite.read import ITEM_COLUMNS, item_record

if TYPE_CHECKING:
    import sqlite3

    from foretaste.events.model import ItemRecord

NEXT_CHANGE = "(SELECT coalesce(max(changed), 0) + 1 FROM item)"
PUT = f"""
    INSERT INTO item (name, columns, changed) VALUES (?, ?, {NEXT_CHANGE})
    ON CONFLICT (name) DO UPDATE SET columns = excluded.columns, deleted = 0, changed = excluded.changed
    RETURNING {ITEM_COLUMNS}
"""
HIDE = f"""
    UPDATE item SET hidden = ?, changed = {NEXT_CHANGE} WHERE name = ? AND changed IS NOT NULL
    RETURNING {ITEM_COLUMNS}
"""
DELETE = f"""
    UPDATE item SET deleted = 1, columns = NULL, changed = {NEXT_CHANGE} WHERE name = ? AND changed IS NOT NULL
    RETURNING {ITEM_COLUMNS}
"""


def put_item(connection: sqlite3.Connection, name: str, columns: str) -> ItemRecord:
    return item_record(connection.execute(PUT, (name, columns)).fetchall()[0])


def hide_item(connection: sqlite3.Connection, name: str, hidden: bool) -> ItemRecord | None:
    rows = connection.execute(HIDE, (int(hidden), name)).fetchall()
    return item_record(rows[0]) if rows else None


def delete_item(connection: sqlite3.Connection, name: str) -> ItemRecord | None:
    rows = connection.execute(DELETE, (name,)).fetchall()
    return item_record(rows[0]) if rows else None
