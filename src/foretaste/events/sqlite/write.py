"""What the log writer needs of a SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from foretaste.events.log_writer import Removals

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from foretaste.events.log_writer import Named, Row

AT_ONCE = (1, 8, 64, 512)
"""Sizes of the lists that one statement looks up: few sizes, so that SQLite prepares few statements."""

INSERT = "INSERT INTO event (id, user, item, kind, time, value, stamped, context) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
EVENT_BY_ID = """
    SELECT person.pseudonym, item.name, kind.name, event.time, event.value, event.stamped, event.context
    FROM event JOIN person USING (user) JOIN item USING (item) JOIN kind USING (kind) WHERE event.id = ?
"""
LAST_CODE = {
    "user": "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'person'), 0)",
    "item": "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'item'), 0)",
    "kind": "coalesce(max(kind), 0) FROM kind",
}
"""Codes of people and items are never handed out twice, even after an erasure."""
POSITION = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)"
REMOVALS = """
    SELECT (SELECT value FROM meta WHERE name = 'epoch'), (SELECT value FROM meta WHERE name = 'floor'),
           EXISTS (SELECT 1 FROM gone), EXISTS (SELECT 1 FROM erased)
"""


class SqliteTables:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def removals(self) -> Removals:
        epoch, floor, gone, erased = self.connection.execute(REMOVALS).fetchone()
        return Removals(epoch, floor, bool(gone), bool(erased))

    def among(self, table: Literal["event", "gone"], ids: Sequence[bytes]) -> set[bytes]:
        return {key for (key,) in self._looked_up(f"SELECT id FROM {table} WHERE id", ids)}

    def event(self, event_id: bytes) -> tuple[bytes, str, str, int | None, float, bool, str | None]:
        pseudonym, item, kind, time, value, stamped, context = self.connection.execute(
            EVENT_BY_ID, (event_id,)
        ).fetchone()
        return pseudonym, item, kind, time, value, bool(stamped), context

    def erased_at(self, mark: bytes) -> int | None:
        row = self.connection.execute("SELECT at FROM erased WHERE mark = ?", (mark,)).fetchone()
        return None if row is None else row[0]

    def known(self, of: Named, labels: Sequence[Any]) -> dict[Any, int]:
        table, column = ("person", "pseudonym") if of == "user" else (of, "name")
        return dict(self._looked_up(f"SELECT {column}, {of} FROM {table} WHERE {column}", labels))

    def add(self, of: Named, rows: Sequence[tuple[Any, ...]]) -> dict[Any, int]:
        (last,) = self.connection.execute(f"SELECT {LAST_CODE[of]}").fetchone()
        into = (
            "person (user, pseudonym, sealed) VALUES (?, ?, ?)" if of == "user" else f"{of} ({of}, name) VALUES (?, ?)"
        )
        self.connection.executemany(f"INSERT INTO {into}", ((code, *row) for code, row in enumerate(rows, last + 1)))
        return {row[0]: code for code, row in enumerate(rows, last + 1)}

    def insert(self, rows: Iterable[Row]) -> None:
        self.connection.executemany(INSERT, rows)

    def _looked_up(self, select: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT that ends with the column that is to be one of the values."""
        start = 0
        while start < len(values):
            size = next((size for size in AT_ONCE if size >= len(values) - start), AT_ONCE[-1])
            some = [*values[start : start + size]]
            some += some[-1:] * (size - len(some))
            yield from self.connection.execute(f"{select} IN ({','.join('?' * size)})", some)
            start += size
