"""JSON to rows: one object a line, or one array of objects; objects inside objects become columns `outer.inner`."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.data.readers_common import FILE, ROW, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def json_rows(path: Path, text: str) -> Table:
    """Every value as text, numbers exactly as the file spells them; lines that are no JSON object are broken."""
    good: list[dict[str, str | None]] = []
    at: list[int] = []
    broken = []
    if array := _array(text):
        records: Iterator[tuple[int, Any, str]] = ((n, record, str(record)) for n, record in enumerate(array, start=1))
    else:
        records = _lines(text)
    for number, record, line in records:
        if isinstance(record, dict):
            flat = dict(_flat(record))
            good.append({name: value for name, value in flat.items() if name not in {ROW, FILE}})
            at.append(number)
        else:
            said = "not JSON" if record is ... else "not a JSON object"
            broken.append((path.name, number, said, line))
    names = dict.fromkeys(name for record in good for name in record)
    columns = {name: pl.Series([record.get(name) for record in good], dtype=pl.String) for name in names}
    frame = pl.DataFrame({**columns, ROW: pl.Series(at, dtype=pl.UInt32)})
    return Table(frame, broken, "a JSON array" if array else "JSON lines")


def _array(text: str) -> list[Any] | None:
    """The records of a file that is one array, also when it stands alone under a key: {"events": [...]}."""
    begin = text.lstrip()[:1]
    if begin not in ("[", "{"):
        return None
    try:
        found = _loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None  # many lines, not one document
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        found = lists[0] if len(lists) == 1 and len(found) <= 5 else None
    return found if isinstance(found, list) else None


def _lines(text: str) -> Iterator[tuple[int, Any, str]]:
    """(line number, what it says, the line); what it says is ... where it is not JSON."""
    for number, line in enumerate(io.StringIO(text), start=1):
        if line := line.strip():
            try:
                yield number, _loads(line), line
            except (json.JSONDecodeError, RecursionError):
                yield number, ..., line


def _loads(text: str) -> Any:
    # Ids with more digits than a float holds, and prices like 1.10, keep their spelling.
    return json.loads(text, parse_int=_Spelled, parse_float=_Spelled)


class _Spelled(str):
    """A number, as the file spells it."""

    __slots__ = ()


def _flat(record: dict[str, Any], before: str = "") -> Iterator[tuple[str, str | None]]:
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.")
        elif value is None or isinstance(value, str):
            yield f"{before}{name}", None if value is None else str(value)
        else:
            yield f"{before}{name}", json.dumps(value, ensure_ascii=False)
