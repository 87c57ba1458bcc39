"""Vectors kept on disk under the hash of what they were made from: nothing is encoded twice."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.types import FloatArray

CHUNK = 500  # SQLite's limit on the names in one question is 999


def cache_folder() -> Path:
    """$FORETASTE_CACHE, or ~/.cache/foretaste."""
    return Path(os.environ.get("FORETASTE_CACHE") or Path.home() / ".cache" / "foretaste")


class VectorCache:
    """One SQLite file for one encoder; a batch that was written is there after any crash."""

    def __init__(self, fingerprint: str, folder: Path | None = None) -> None:
        """fingerprint : names the encoder's weights and settings, so that vectors of two encoders never mix"""
        folder = (folder or cache_folder()) / "vectors"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{blake2b(fingerprint.encode(), digest_size=12).hexdigest()}.sqlite"
        with closing(self._open()) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS vector (text BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")

    def get(self, texts: Sequence[str | bytes]) -> list[FloatArray | None]:
        """The vector of each text, None where it has not been encoded yet."""
        keys = [_key(text) for text in texts]
        known: dict[bytes, FloatArray] = {}
        with closing(self._open()) as db:
            for start in range(0, len(keys), CHUNK):
                some = keys[start : start + CHUNK]
                asked = ",".join("?" * len(some))
                rows = db.execute(f"SELECT text, value FROM vector WHERE text IN ({asked})", some)
                known.update((key, np.frombuffer(value, np.float32)) for key, value in rows)
        return [known.get(key) for key in keys]

    def put(self, texts: Sequence[str | bytes], vectors: FloatArray) -> None:
        rows = [(_key(text), vector.tobytes()) for text, vector in zip(texts, vectors, strict=True)]
        with closing(self._open()) as db, db:
            db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", rows)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        return db


def _key(content: str | bytes) -> bytes:
    return blake2b(content.encode() if isinstance(content, str) else content, digest_size=16).digest()
