"""Removal of events and users from a log in PostgreSQL, within a transaction that holds the writers' lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foretaste.events.clock import now

if TYPE_CHECKING:
    import psycopg

    from foretaste.privacy.keys import Keys

    Connection = psycopg.Connection[Any]

NOTHING_LEFT = 'columns IS NULL AND NOT EXISTS (SELECT FROM event WHERE event."user" = person."user")'
NEXT_EPOCH = "UPDATE meta SET number = number + 1 WHERE name = 'epoch'"
FLOOR = """
    INSERT INTO meta (name, number) VALUES ('floor', %s)
    ON CONFLICT (name) DO UPDATE SET number = greatest(meta.number, excluded.number)
"""
DROP_ITEMS = """
    DELETE FROM item WHERE changed IS NULL AND item = ANY(%s)
    AND NOT EXISTS (SELECT FROM event WHERE event.item = item.item)
"""
CHOSEN = """
    "user" = %s AND (%s::bytea IS NULL OR item = (SELECT item FROM item WHERE name = %s))
    AND (%s::bytea IS NULL OR kind = (SELECT kind FROM kind WHERE name = %s)) AND (%s::bigint IS NULL OR time = %s)
"""
BEYOND_REACH = (
    "PostgreSQL's own write-ahead log, its replicas and its backups keep what they copied earlier for as long as they "
    "are configured to; they hold no name, only sealed ones."
)


def erase(connection: Connection, keys: Keys, user: str) -> dict[str, int]:
    """Place → number of entries removed there."""
    row = connection.execute(
        'SELECT "user", columns FROM person WHERE pseudonym = %s', (keys.pseudonym(user),)
    ).fetchone()
    found = {"events": 0, "names": 0, "columns": 0, "items nobody else touched": 0}
    if row is not None:
        code, columns = row
        items = _touched(connection, code)
        found["events"] = connection.execute('DELETE FROM event WHERE "user" = %s', (code,)).rowcount
        found["items nobody else touched"] = connection.execute(DROP_ITEMS, (items,)).rowcount
        found["names"] = connection.execute('DELETE FROM person WHERE "user" = %s', (code,)).rowcount
        found["columns"] = int(columns is not None)
    mark = "INSERT INTO erased VALUES (%s, %s) ON CONFLICT (mark) DO UPDATE SET at = excluded.at"
    connection.execute(mark, (keys.erased(user), now()))
    connection.execute(NEXT_EPOCH)
    return found


def forget(connection: Connection, keys: Keys, user: str, item: str | None, kind: str | None, time: int | None) -> int:
    row = connection.execute('SELECT "user" FROM person WHERE pseudonym = %s', (keys.pseudonym(user),)).fetchone()
    if row is None:
        return 0
    item_name = None if item is None else item.encode()
    kind_name = None if kind is None else kind.encode()
    chosen = (row[0], item_name, item_name, kind_name, kind_name, time, time)
    items = _touched(connection, row[0])
    connection.execute(f"INSERT INTO gone SELECT id FROM event WHERE {CHOSEN} ON CONFLICT DO NOTHING", chosen)
    n = connection.execute(f"DELETE FROM event WHERE {CHOSEN}", chosen).rowcount
    if n:
        connection.execute(DROP_ITEMS, (items,))
        connection.execute(f'DELETE FROM person WHERE "user" = %s AND {NOTHING_LEFT}', row)
        connection.execute(NEXT_EPOCH)
    return n


def forget_before(connection: Connection, time: int) -> int:
    connection.execute(FLOOR, (time,))
    connection.execute(NEXT_EPOCH)
    n = connection.execute("DELETE FROM event WHERE time < %s", (time,)).rowcount
    connection.execute(f"DELETE FROM person WHERE {NOTHING_LEFT}")
    connection.execute("DELETE FROM item WHERE changed IS NULL AND item NOT IN (SELECT item FROM event)")
    return n


def _touched(connection: Connection, code: int) -> list[int]:
    return [row[0] for row in connection.execute('SELECT DISTINCT item FROM event WHERE "user" = %s', (code,))]
