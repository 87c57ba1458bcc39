"""Removal of events and users from a SQLite log: from its tables, its free pages and its write-ahead log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.events.clock import now
from foretaste.events.sqlite.file import scrub, side_files, writing
from foretaste.events.traces import occurrences

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from foretaste.privacy.keys import Keys

FEW = 16
TELLING_BYTES = 8
"""Length from which a name is searched for; shorter ones occur in any file by chance."""
ROWS_AT_ONCE = 50_000

NOTHING_LEFT = "columns IS NULL AND NOT EXISTS (SELECT 1 FROM event WHERE event.user = person.user)"
NEXT_EPOCH = "UPDATE meta SET value = value + 1 WHERE name = 'epoch'"
SCRUB_DUE = "UPDATE meta SET value = 1 WHERE name = 'scrub'"
OLDEST = "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE time < ? ORDER BY time LIMIT ?)"
FLOOR = "INSERT INTO meta VALUES ('floor', ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
LEFT_BEHIND = (
    "Old pages could not be cleared yet, since somebody reads them or the disk is full; the next erasure, and the "
    "next opening of the store, clear them."
)
NOT_LOOKED = (
    "The file was written anew without what was removed, but no process could be started to look whether every byte "
    "of it is gone."
)


class Remover:
    """Removes on the writing connection, which the caller has locked."""

    def __init__(self, connection: sqlite3.Connection, path: Path, keys: Keys) -> None:
        self.connection = connection
        self.path = path
        self.keys = keys

    def erase(self, user: str) -> tuple[dict[str, int], list[str]]:
        """Remove every trace of a user; (place → number of entries removed there, remarks)."""
        pseudonym = self.keys.pseudonym(user)
        found = {"events": 0, "names": 0, "columns": 0, "items nobody else touched": 0}
        needles, ids = [pseudonym, user.encode()], []
        read_to = self._position()
        before = self._person(pseudonym)
        candidates = self._only_theirs(before[0]) if before else set()  # a long look, while others may still write
        with writing(self.connection, self.path):
            if (person := self._person(pseudonym)) is not None:
                code, sealed, columns = person
                if self._has_new(code, read_to):
                    candidates = self._only_theirs(code)
                needles += [sealed] if columns is None else [sealed, columns]
                ids = self.connection.execute("DELETE FROM event WHERE user = ? RETURNING id", (code,)).fetchall()
                found["events"] = len(ids)
                names = self._drop_items(candidates, read_to)
                needles += [name.encode() for name in names]
                found["items nobody else touched"] = len(names)
                found["names"] = self.connection.execute("DELETE FROM person WHERE user = ?", (code,)).rowcount
                found["columns"] = int(columns is not None)
            self.connection.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", (self.keys.erased(user), now()))
            self.connection.execute(NEXT_EPOCH)
            self.connection.execute(SCRUB_DUE)
        return found, self._scrub_thoroughly([needle for needle in needles if len(needle) >= TELLING_BYTES], ids)

    def _person(self, pseudonym: bytes) -> tuple[int, bytes, bytes | None] | None:
        row = "SELECT user, sealed, columns FROM person WHERE pseudonym = ?"
        return self.connection.execute(row, (pseudonym,)).fetchone()

    def _has_new(self, code: int, read_to: int) -> bool:
        new = "SELECT EXISTS (SELECT 1 FROM event NOT INDEXED WHERE seq > ? AND user = ?)"
        return bool(self.connection.execute(new, (read_to, code)).fetchone()[0])

    def _scrub_thoroughly(self, needles: list[bytes], ids: list[tuple[bytes]]) -> list[str]:
        """Clear the files of these bytes as far as possible; returns remarks on what could not be cleared.

        Deleted bytes are zeroed, but a page that once split may hold a copy of what moved to the next one. For few
        needles the file is searched, which is fast, and rewritten only if one is found; for many it is rewritten at
        once, about ten seconds per gigabyte.
        """
        all_needles = [*needles, *(key for (key,) in ids)]
        many = len(all_needles) > FEW
        done = scrub(self.connection, self.path, rewrite=many)
        try:
            if left := self._left(needles if many else all_needles):
                done = scrub(self.connection, self.path, rewrite=True)
                left = self._left(needles)
        except OSError:
            return [NOT_LOOKED if scrub(self.connection, self.path, rewrite=True) else LEFT_BEHIND]
        if not done:
            return [LEFT_BEHIND]
        if left:
            return [f"The same text still stands {left} times in what is known of items or of events of other people."]
        return []

    def _left(self, needles: list[bytes]) -> int:
        """How often these bytes still occur in the files; OSError if they could not be searched."""
        found = occurrences(side_files(self.path), needles)
        if None in found:
            raise OSError(f"{self.path} cannot be read")
        return sum(n or 0 for n in found)

    def forget(self, user: str, item: str | None, kind: str | None, time: int | None) -> int:
        """Remove events of one user and keep their ids, so that they are rejected from now on."""
        pseudonym = self.keys.pseudonym(user)
        row = self.connection.execute("SELECT user FROM person WHERE pseudonym = ?", (pseudonym,)).fetchone()
        if row is None:
            return 0
        where = """
            user = ? AND (? IS NULL OR item = (SELECT item FROM item WHERE name = ?))
            AND (? IS NULL OR kind = (SELECT kind FROM kind WHERE name = ?)) AND (? IS NULL OR time = ?)
        """
        chosen = (row[0], item, item, kind, kind, time, time)
        candidates = self._only_theirs(row[0], item)
        read_to = self._position()
        with writing(self.connection, self.path):
            self.connection.execute(f"INSERT OR IGNORE INTO gone SELECT id FROM event WHERE {where}", chosen)
            n = self.connection.execute(f"DELETE FROM event WHERE {where}", chosen).rowcount
            if n:
                kept = {i for (i,) in self.connection.execute("SELECT item FROM event WHERE user = ?", row)}
                self._drop_items(candidates - kept, read_to)
                self.connection.execute(f"DELETE FROM person WHERE user = ? AND {NOTHING_LEFT}", row)
                self.connection.execute(NEXT_EPOCH)
                self.connection.execute(SCRUB_DUE)
        if n:
            scrub(self.connection, self.path)
        return n

    def forget_before(self, time: int) -> int:
        """Remove all older events in many small transactions, so that other writers are not blocked for long."""
        with writing(self.connection, self.path):
            self.connection.execute(FLOOR, (time,))
            self.connection.execute(NEXT_EPOCH)  # from here on nothing older comes in
            self.connection.execute(SCRUB_DUE)
        removed, gone = 0, ROWS_AT_ONCE
        while gone == ROWS_AT_ONCE:
            with writing(self.connection, self.path):
                gone = self.connection.execute(OLDEST, (time, ROWS_AT_ONCE)).rowcount
            removed += gone
        with writing(self.connection, self.path):
            self.connection.execute(f"DELETE FROM person WHERE {NOTHING_LEFT}")
            self.connection.execute(
                "DELETE FROM item WHERE changed IS NULL AND item NOT IN (SELECT item FROM event NOT INDEXED)"
            )
            self.connection.execute(NEXT_EPOCH)
        scrub(self.connection, self.path)
        return removed

    def _only_theirs(self, code: int, item: str | None = None) -> set[int]:
        """Items (or that one) that are not in the catalogue and have events of no other user."""
        touched = "SELECT DISTINCT item FROM event WHERE user = ?"
        theirs = f"SELECT item FROM item WHERE changed IS NULL AND item IN ({touched}) AND coalesce(name = ?, 1)"
        items = {found for (found,) in self.connection.execute(theirs, (code, item))}
        if len(items) <= FEW:  # most items have events of many users, and the first of those is found fast
            by_others = "SELECT EXISTS (SELECT 1 FROM event NOT INDEXED WHERE item = ? AND user <> ?)"
            return {one for one in items if not self.connection.execute(by_others, (one, code)).fetchone()[0]}
        others = self.connection.execute("SELECT DISTINCT item FROM event NOT INDEXED WHERE user <> ?", (code,))
        return items - {found for (found,) in others}

    def _drop_items(self, candidates: Collection[int], read_to: int) -> list[str]:
        """Remove the candidates without events after `read_to`; returns their names."""
        new: Iterable[tuple[int]] = self.connection.execute("SELECT item FROM event WHERE seq > ?", (read_to,))
        alone = set(candidates) - {item for (item,) in new}
        names = []
        for item in alone:
            drop = "DELETE FROM item WHERE item = ? AND changed IS NULL RETURNING name"
            names += [name for (name,) in self.connection.execute(drop, (item,)).fetchall()]
        return names

    def _position(self) -> int:
        return self.connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
