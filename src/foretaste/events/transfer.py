"""Export of the log to a Parquet or JSON lines file, and import of such a file."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import polars as pl

from foretaste.errors import DataError
from foretaste.events.event_frames import WHOLE_SCHEMA
from foretaste.privacy.files import put_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from foretaste.events.protocols import EventLog

    Progress = Callable[[str, int, int], None]

ROWS_AT_ONCE = 100_000
SCHEMA = {name: dtype for name, dtype in WHOLE_SCHEMA.items() if name != "seq"}
FIRST_LINE = 1_000_000
FORMATS = {".parquet": "Parquet", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}


def export_log(store: EventLog, path: Path, progress: Progress = lambda what, done, total: None) -> int:
    """Write every event to a file, .parquet or .jsonl; returns how many there were.

    Columns id, user, item, kind, time (µs since 1970 UTC), value, stamped, context, in order of arrival. Users have
    their own names in it, so only its owner may read the file. It appears once it is complete, without events that are
    appended meanwhile. Memory: one part of 100,000 events at a time. DataError if the file exists or cannot be written.
    """
    _format(path)
    if path.exists():
        raise DataError(f"{path} exists already; name another file, or move that one away.")
    from polars.io.plugins import register_io_source

    end, written = store.position, 0

    def parts(*_: object) -> Iterator[pl.DataFrame]:
        nonlocal written
        after = 0
        while len(part := store.frame(after, ROWS_AT_ONCE, whole=True).filter(pl.col("seq") <= end)):
            after = part["seq"][-1]
            written += len(part)
            progress("exporting", after, end)
            yield part.select(list(SCHEMA))

    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_WRONLY, 0o600))
        frame = register_io_source(parts, schema=SCHEMA)
        frame.sink_parquet(beside) if path.suffix == ".parquet" else frame.sink_ndjson(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        put_in_place(beside, path)
    except FileExistsError:
        raise DataError(f"{path} exists already; name another file, or move that one away.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}; check the folder.") from error
    finally:
        beside.unlink(missing_ok=True)
    return written


def is_export(path: Path) -> bool:
    """Whether a file has the columns that `export_log` writes."""
    if path.suffix not in FORMATS or not path.is_file():
        return False
    try:
        if path.suffix == ".parquet":
            return set(SCHEMA) <= set(pl.read_parquet_schema(path))
        with path.open(encoding="utf-8") as lines:
            first = json.loads(lines.readline(FIRST_LINE))
        return isinstance(first, dict) and set(SCHEMA) <= set(first)
    except (OSError, ValueError, pl.exceptions.PolarsError):
        return False


def import_export(store: EventLog, path: Path, progress: Progress = lambda what, done, total: None) -> tuple[int, int]:
    """Append the events of an exported file; (how many were new, how many the file has).

    Events that the log has already are skipped, so an interrupted import is completed by running it again.
    """
    _format(path)
    new = done = 0
    try:
        rows = _scan(path)
        total = rows.select(pl.len()).collect().item()
        for part in rows.collect_batches(chunk_size=ROWS_AT_ONCE):
            new += store.import_frame(part)
            done += len(part)
            progress("importing", done, total)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be read as {_format(path)}: {str(error).splitlines()[0]}.") from error
    return new, done


def _scan(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path) if path.suffix == ".parquet" else pl.scan_ndjson(path, schema=SCHEMA)


def _format(path: Path) -> str:
    if (name := FORMATS.get(path.suffix)) is None:
        raise DataError(f"'{path.name}' is neither .parquet nor .jsonl; name the file after what it is to hold.")
    return name
