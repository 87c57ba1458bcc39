"""Public data on disk after reading: a folder of Parquet files per data set, all of them or none."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.data.sources.tables import relations_of
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.data.sources.source import Source, Tables

FORMAT = 2
"""Rises when a reader gives other tables; what is cached in an older one is read again."""
ABOUT = "source.json"
MAIN = ("events", "items", "users")


def cache_root() -> Path:
    """FORETASTE_CACHE, or ~/.cache/foretaste."""
    return Path(os.environ.get("FORETASTE_CACHE") or Path.home() / ".cache" / "foretaste")


def is_kept(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["format"] == FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


@contextmanager
def scratch_beside(folder: Path) -> Iterator[Path]:
    """An empty folder on the same disk, gone afterwards."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f".{folder.name}-{uuid4().hex[:8]}")
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def keep(folder: Path, tables: Tables, name: str, source: Source, files: tuple[Path, ...]) -> None:
    """Write every table beside, and put the folder in its place at once; of two writers one wins."""
    with scratch_beside(folder) as scratch:
        main = {"events": tables.events, "items": tables.items, "users": tables.users}
        for table, frame in {**main, **tables.relations}.items():
            if frame is not None:
                frame.lazy().sink_parquet(scratch / f"{table}.parquet")
        about = {
            "format": FORMAT,
            "name": name,
            "summary": source.summary,
            "licence": source.licence,
            "terms": source.terms,
            "files": [path.name for path in files],
            "read": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (scratch / ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        if not is_kept(folder):  # another process may have been faster, and its readers hold those files
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                scratch.replace(folder)
        if not is_kept(folder):
            raise DataError(f"{folder} cannot be written; is something else in its place?")


def opened(folder: Path, name: str) -> Dataset:
    """The data set kept in a folder; its events are read a column at a time."""
    items = folder / "items.parquet"
    data = Dataset.from_frame(
        pl.scan_parquet(folder / "events.parquet"),
        pl.read_parquet(items) if items.is_file() else None,
        name=name,
    )
    others = {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet")) if path.stem not in MAIN}
    users = folder / "users.parquet"
    table = None
    if users.is_file():
        rows = pl.read_parquet(users).with_columns(pl.col("user").cast(pl.String)).unique("user", keep="last")
        table = pl.DataFrame({"user": data.users.names}).join(rows, on="user", how="left", maintain_order="left")
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    return replace(data, licence=about["licence"], relations=relations_of(others), user_table=table)
