"""The log of past answers with all their inputs, kept for a while so that any of them can be replayed.

One SQLite file beside the event log. Users are pseudonyms, and requests are encrypted with a key per day: so one key
encrypts no more than a day's answers, far below the 2^32 messages at which random nonces of 12 bytes may repeat.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from base64 import b64decode, b64encode
from contextlib import closing, contextmanager
from functools import lru_cache
from hashlib import blake2b
from hmac import digest
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from foretaste.errors import StoreError, StoreUnavailableError
from foretaste.events.model import ItemRecord
from foretaste.privacy.keys import KEY_FILE, Keys, make_keys, read_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

ANSWERS_FILE = "answers.db"
DAY = 86_400_000_000
BUSY_SECONDS = 5.0
MARKS_KEPT = 3_600_000_000
"""µs for which an erasure also rejects answers that another worker is about to write."""

TABLES = """
CREATE TABLE IF NOT EXISTS answer (
    n       INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,  -- the recommendation_id
    person  BLOB,                  -- pseudonym of whom it was for; NULL for guests
    at      INTEGER NOT NULL,      -- µs since 1970 UTC
    change  INTEGER NOT NULL,      -- of the catalogue, up to which it knew
    setting BLOB NOT NULL REFERENCES setting,
    said    BLOB NOT NULL          -- encrypted JSON: the request and all other inputs of the answer
) STRICT;
CREATE INDEX IF NOT EXISTS answer_of_person ON answer (person) WHERE person IS NOT NULL;
CREATE INDEX IF NOT EXISTS answer_by_time ON answer (at);
CREATE TABLE IF NOT EXISTS setting (hash BLOB PRIMARY KEY, said TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item_change (
    change INTEGER PRIMARY KEY, name TEXT NOT NULL, columns TEXT NOT NULL, hidden INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS change_of_item ON item_change (name, change);
CREATE TABLE IF NOT EXISTS erased (mark BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
KEEP = """
INSERT OR IGNORE INTO answer (id, person, at, change, setting, said)
SELECT ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM erased WHERE mark = ? AND at >= ?)
"""
FIND = "SELECT id, at, change, setting.said, answer.said FROM answer JOIN setting ON hash = setting"
AS_OF = """
SELECT name, columns, hidden, deleted, change FROM item_change AS this WHERE change <= ?1
AND NOT EXISTS (SELECT 1 FROM item_change AS later WHERE later.name = this.name
                AND later.change > this.change AND later.change <= ?1)
ORDER BY change
"""
SUPERSEDED = """
DELETE FROM item_change WHERE EXISTS (SELECT 1 FROM item_change AS later WHERE later.name = item_change.name
AND later.change > item_change.change AND later.change <= ?)
"""


class AnswerRecord(NamedTuple):
    """One past answer, with all that it was computed from.

    id      : the recommendation_id, 32 hex digits
    user    : the user it was for; None for a guest
    at      : µs since 1970 UTC, the time of the answer
    change  : number of the latest change of the catalogue that it knew
    setting : settings of the project at that time, as JSON values
    inputs  : the request and all other inputs, as JSON values
    """

    id: str
    user: str | None
    at: int
    change: int
    setting: dict[str, Any]
    inputs: dict[str, Any]


class AnswerLog:
    """Thread-safe; several processes may write to one file."""

    def __init__(self, folder: Path) -> None:
        """folder : of the project; a key file is made if there is none"""
        self.path = folder / ANSWERS_FILE
        try:
            keys = read_keys(folder / KEY_FILE)
        except FileNotFoundError:
            keys = make_keys(folder / KEY_FILE)
        self._keys = keys
        self._lock = Lock()
        with self._as_store_errors():
            self._db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last answers, not the file
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.executescript(TABLES)

    @classmethod
    def existing(cls, folder: Path) -> AnswerLog | None:
        """The answer log of a project; None if it has none."""
        return cls(folder) if (folder / ANSWERS_FILE).exists() else None

    def keep(self, answers: Sequence[AnswerRecord], items: Iterable[ItemRecord] = ()) -> None:
        """Append answers, and the changes of the catalogue that they may depend on, in one transaction."""
        rows, settings = [], {}
        for one in answers:
            setting = json.dumps(one.setting, sort_keys=True)
            key = blake2b(setting.encode(), digest_size=16).digest()
            settings[key] = setting
            person = None if one.user is None else self._keys.pseudonym(one.user)
            mark = None if one.user is None else self._keys.erased(one.user)
            name = bytes.fromhex(one.id)
            rows.append((name, person, one.at, one.change, key, self._sealed(name, one), mark, one.at))
        changes = [
            (i.change, i.name, json.dumps(i.columns, ensure_ascii=False), int(i.hidden), int(i.deleted)) for i in items
        ]
        with self._writing() as db:
            db.executemany("INSERT OR IGNORE INTO item_change VALUES (?, ?, ?, ?, ?)", changes)
            db.executemany("INSERT OR IGNORE INTO setting VALUES (?, ?)", settings.items())
            db.executemany(KEEP, rows)

    def find(self, recommendation_id: str) -> AnswerRecord | None:
        """The record of one answer; None if it is not in the log, or no longer."""
        with self._as_store_errors(), self._lock:
            row = self._db.execute(f"{FIND} WHERE id = ?", (_bytes(recommendation_id),)).fetchone()
        return None if row is None else self._opened(row)

    def of_person(self, user: str) -> list[AnswerRecord]:
        """All answers to one user, oldest first."""
        with self._as_store_errors(), self._lock:
            person = self._keys.pseudonym(user)
            rows = self._db.execute(f"{FIND} WHERE person = ? ORDER BY at, n", (person,)).fetchall()
        return [self._opened(row) for row in rows]

    def items(self, change: int) -> list[ItemRecord]:
        """All items that were ever put, as they were after that change of the catalogue."""
        with self._as_store_errors(), self._lock:
            rows = self._db.execute(AS_OF, (change,)).fetchall()
        return [ItemRecord(name, json.loads(text), bool(hid), bool(gone), n) for name, text, hid, gone, n in rows]

    def ids(self, n: int | None = None) -> list[str]:
        """Ids of the newest n answers, newest first; of all for None."""
        with self._as_store_errors(), self._lock:
            rows = self._db.execute("SELECT id FROM answer ORDER BY n DESC LIMIT ?", (-1 if n is None else n,))
            return [name.hex() for (name,) in rows]

    def count(self) -> int:
        with self._as_store_errors(), self._lock:
            return self._db.execute("SELECT count(*) FROM answer").fetchone()[0]

    def last_change(self) -> int:
        """Number of the latest change of the catalogue that is written here; 0 for none."""
        with self._as_store_errors(), self._lock:
            return self._db.execute("SELECT coalesce(max(change), 0) FROM item_change").fetchone()[0]

    def forget(self, user: str, now: int) -> int:
        """Erase all answers to a user until `now` (µs), overwriting their bytes; returns how many there were."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", (self._keys.erased(user), now))
            db.execute("DELETE FROM erased WHERE at < ?", (now - MARKS_KEPT,))
            gone = db.execute("DELETE FROM answer WHERE person = ?", (self._keys.pseudonym(user),)).rowcount
        self._truncate()
        return gone

    def prune(self, most: int, before: int) -> int:
        """Keep only the newest `most` answers that are not older than `before` (µs); returns how many were removed.

        Settings and changes of the catalogue that only removed answers needed are removed too.
        """
        with self._writing() as db:
            gone = db.execute("DELETE FROM answer WHERE at < ?", (before,)).rowcount
            gone += db.execute(
                "DELETE FROM answer WHERE n <= (SELECT n FROM answer ORDER BY n DESC LIMIT 1 OFFSET ?)", (most,)
            ).rowcount
            if gone:
                (oldest,) = db.execute("SELECT coalesce(min(change), 1 << 62) FROM answer").fetchone()
                db.execute(SUPERSEDED, (oldest,))
                db.execute("DELETE FROM setting WHERE hash NOT IN (SELECT setting FROM answer)")
        return gone

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _truncate(self) -> None:
        """Empty the write-ahead log, which may still hold old pages that secure_delete does not overwrite."""
        with self._as_store_errors(), self._lock, closing(self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")) as done:
            done.fetchone()

    def _sealed(self, name: bytes, one: AnswerRecord) -> bytes:
        text = json.dumps({"user": one.user, **one.inputs}, ensure_ascii=False, separators=(",", ":"))
        packed = b64encode(zlib.compress(text.encode())).decode()
        return self._keys_of(one.at // DAY).seal(packed, name)

    def _opened(self, row: tuple[bytes, int, int, str, bytes]) -> AnswerRecord:
        name, at, change, setting, sealed = row
        inputs = json.loads(zlib.decompress(b64decode(self._keys_of(at // DAY).unseal(sealed, name))))
        return AnswerRecord(name.hex(), inputs.pop("user"), at, change, json.loads(setting), inputs)

    @lru_cache(maxsize=64)  # noqa: B019  # the log is open as long as its process runs
    def _keys_of(self, day: int) -> Keys:
        return Keys.of(digest(self._keys.secret, b"foretaste answers %d" % day, "sha256"))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._as_store_errors(), self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _as_store_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # locked for too long, or the disk is full
            raise StoreUnavailableError(f"{self.path} cannot be used just now ({error}); try again.") from None
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path} is damaged ({error}); remove it, and a new one is begun.") from None


def _bytes(recommendation_id: str) -> bytes | None:
    try:
        return bytes.fromhex(recommendation_id)
    except ValueError:
        return None
