"""JSON to rows: one object a line, or one array of objects; objects inside objects become columns `outer.inner`."""

from __future__ import annotations

import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.data.readers.common import FILE, ROW, Table
from foretaste.data.readers.encoding import Encoding, utf8_lines
from foretaste.data.readers.packed import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

HEAD = 1 << 20
LINES = 10_000
"""Records of an array converted to columns at once, which bounds the number of Python objects."""


def json_tables(path: Path, encoding: Encoding, *, block: int = BLOCK) -> Iterator[Table]:
    """Every value as text, numbers exactly as the file spells them; lines that are no JSON object are broken.

    Lines are read block by block; one array, or one object around it, is held whole.
    """
    if array := _array(path, encoding):
        records = ((n, record, str(record)) for n, record in enumerate(array, start=1))
        while part := list(islice(records, LINES)):
            yield _table(part, path.name, "a JSON array")
        return
    number = 0
    for text in utf8_lines(path, encoding, block):
        lines = list(io.StringIO(text.decode(), newline=""))
        yield _table(_lines(lines, number + 1), path.name, "JSON lines")
        number += len(lines)


def _table(records: Iterable[tuple[int, Any, str]], file: str, said: str) -> Table:
    good: list[dict[str, str | None]] = []
    at: list[int] = []
    broken = []
    for number, record, line in records:
        if isinstance(record, dict):
            flat = dict(_flat(record))
            good.append({name: value for name, value in flat.items() if name not in {ROW, FILE}})
            at.append(number)
        else:
            broken.append((file, number, "not JSON" if record is ... else "not a JSON object", line))
    names = dict.fromkeys(name for record in good for name in record)
    columns = {name: pl.Series([record.get(name) for record in good], dtype=pl.String) for name in names}
    return Table(pl.DataFrame({**columns, ROW: pl.Series(at, dtype=pl.UInt32)}), broken, said)


def _array(path: Path, encoding: Encoding) -> list[Any] | None:
    """The records of a file that is one array, or an object whose only key holds one: {"events": [...]}."""
    head = next(utf8_lines(path, encoding, HEAD), b"").decode(errors="replace").lstrip()
    if not head.startswith(("[", "{")) or _is_lines(head):
        return None
    try:
        found = _loads(b"".join(utf8_lines(path, encoding)).decode())
    except (json.JSONDecodeError, RecursionError):
        return None  # many lines, not one document
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        found = lists[0] if len(lists) == 1 and len(found) <= 5 else None
    return found if isinstance(found, list) else None


def _is_lines(head: str) -> bool:
    """Whether the first value is whole and another one follows it, or two of the first lines are objects."""
    try:
        _, end = json.JSONDecoder().raw_decode(head)
    except (json.JSONDecodeError, RecursionError):
        parsed = (value for _, value, _ in _lines(head.splitlines()[:20], 1))
        return sum(isinstance(value, dict) for value in parsed) > 1
    return bool(head[end:].strip())


def _lines(lines: Iterable[str], number: int) -> Iterator[tuple[int, Any, str]]:
    """(line number, parsed value, the line); the value is ... where the line is not JSON."""
    for n, line in enumerate(lines, start=number):
        if line := line.strip():
            try:
                yield n, _loads(line), line
            except (json.JSONDecodeError, RecursionError):
                yield n, ..., line


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
