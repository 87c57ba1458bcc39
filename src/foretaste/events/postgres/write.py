"""What the log writer needs of PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from foretaste.events.log_writer import Removals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import psycopg

    from foretaste.events.log_writer import Named, Row

EVENT_BY_ID = """
    SELECT pseudonym, item.name, kind.name, time, value, stamped, context
    FROM event JOIN person USING ("user") JOIN item USING (item) JOIN kind USING (kind) WHERE id = %s
"""
REMOVALS = """
    SELECT (SELECT number FROM meta WHERE name = 'epoch'), (SELECT number FROM meta WHERE name = 'floor'),
           EXISTS (SELECT FROM gone), EXISTS (SELECT FROM erased)
"""
COPY = 'COPY event (seq, id, "user", item, kind, time, value, stamped, context) FROM STDIN (FORMAT BINARY)'
TYPES = ("int8", "bytea", "int8", "int8", "int8", "int8", "float8", "bool", "bytea")


class PostgresTables:
    """Works on the connection of the current transaction, which holds the writers' lock."""

    connection: psycopg.Connection[Any]

    def removals(self) -> Removals:
        row = self.connection.execute(REMOVALS).fetchone()
        assert row is not None
        return Removals(*row)

    def among(self, table: Literal["event", "gone"], ids: Sequence[bytes]) -> set[bytes]:
        rows = self.connection.execute(f"SELECT id FROM {table} WHERE id = ANY(%b)", (list(ids),), binary=True)
        return {row[0] for row in rows}

    def event(self, event_id: bytes) -> tuple[bytes, str, str, int | None, float, bool, str | None]:
        row = self.connection.execute(EVENT_BY_ID, (event_id,), binary=True).fetchone()
        assert row is not None
        pseudonym, item, kind, time, value, stamped, context = row
        text = None if context is None else context.decode()
        return pseudonym, item.decode(), kind.decode(), time, value, stamped, text

    def erased_at(self, mark: bytes) -> int | None:
        row = self.connection.execute("SELECT at FROM erased WHERE mark = %s", (mark,)).fetchone()
        return None if row is None else row[0]

    def known(self, of: Named, labels: Sequence[Any]) -> dict[Any, int]:
        if of == "user":
            find = 'SELECT pseudonym, "user" FROM person WHERE pseudonym = ANY(%b)'
            return dict(self.connection.execute(find, (list(labels),), binary=True).fetchall())
        find = f"SELECT name, {of} FROM {of} WHERE name = ANY(%b)"
        rows = self.connection.execute(find, ([name.encode() for name in labels],), binary=True)
        return {name.decode(): code for name, code in rows}

    def add(self, of: Named, rows: Sequence[tuple[Any, ...]]) -> dict[Any, int]:
        if of == "user":
            add = "INSERT INTO person (pseudonym, sealed) SELECT * FROM unnest(%b::bytea[], %b::bytea[])"
            columns = [list(column) for column in zip(*rows, strict=True)]
            added = self.connection.execute(f'{add} RETURNING pseudonym, "user"', columns, binary=True)
            return dict(added.fetchall())
        names = [name.encode() for (name,) in rows]
        add = f"INSERT INTO {of} (name) SELECT unnest(%b::bytea[]) RETURNING name, {of}"
        return {name.decode(): code for name, code in self.connection.execute(add, (names,), binary=True)}

    def insert(self, rows: Iterable[Row]) -> None:
        kept = [(*row[:-1], None if row[-1] is None else row[-1].encode()) for row in rows]
        reserve = "UPDATE meta SET number = number + %s WHERE name = 'seq' RETURNING number"
        last = self.connection.execute(reserve, (len(kept),)).fetchone()
        assert last is not None
        with self.connection.cursor().copy(COPY) as copy:
            copy.set_types(TYPES)
            for seq, row in enumerate(kept, last[0] - len(kept) + 1):
                copy.write_row((seq, *row))
