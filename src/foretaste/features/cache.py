"""Vector cache on disk, keyed by a hash of the encoded content: nothing is encoded twice."""

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

CHUNK = 500  # SQLite allows 999 parameters per statement


def cache_folder() -> Path:
    """$FORETASTE_CACHE if set, else ~/.cache/foretaste."""
    return Path(os.environ.get("FORETASTE_CACHE") or Path.home() / ".cache" / "foretaste")


class VectorCache:
    """One SQLite file per encoder; a batch that was written survives any crash."""

    def __init__(self, fingerprint: str, folder: Path | None = None) -> None:
        """fingerprint : of the encoder's weights and settings, so that vectors of two encoders never mix"""
        folder = (folder or cache_folder()) / "vectors"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{blake2b(fingerprint.encode(), digest_size=12).hexdigest()}.sqlite"
        with closing(self._open()) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS vector (text BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")

    def get(self, texts: Sequence[str | bytes]) -> list[FloatArray | None]:
        """(D,) vector of each text or file content, None where it is not in the cache."""
        keys = [_key(text) for text in texts]
        vectors: dict[bytes, FloatArray] = {}
        with closing(self._open()) as db:
            for start in range(0, len(keys), CHUNK):
                some = keys[start : start + CHUNK]
                placeholders = ",".join("?" * len(some))
                rows = db.execute(f"SELECT text, value FROM vector WHERE text IN ({placeholders})", some)
                vectors.update((key, np.frombuffer(value, np.float32)) for key, value in rows)
        return [vectors.get(key) for key in keys]

    def put(self, texts: Sequence[str | bytes], vectors: FloatArray) -> None:
        """Store the vectors (n, D) of n texts or file contents, in one transaction."""
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
