"""Files to tables of text: CSV and its cousins, JSON lines, Parquet; plain or gzipped; one file or a folder of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

ROW = "__row__"
"""Number of the record in its file; the header is row 1, so the first record of a CSV is row 2."""
FILE = "__file__"
SEPARATORS = (",", ";", "\t", "|")
ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet")
CHUNK = 200_000  # records turned into columns at once, so that Python's strings never pile up


@dataclass(frozen=True, eq=False)
class Table:
    """frame  : the records; text from text files, the file's own types from Parquet; plus FILE and ROW
    broken : records that cannot be read as rows: (file, row, what is wrong, the text)
    format : how it was read: separator, encoding
    """

    frame: pl.DataFrame
    broken: list[tuple[str, int, str, str]] = field(default_factory=list)
    format: str = ""


def read_table(path: Path) -> Table:
    """One file, or every file of a folder that has the same columns as the first."""
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if _ending(p) in ENDINGS)
        if not files:
            raise DataError(f"The folder {path} has no file of a kind we read: {', '.join(ENDINGS)}, also with .gz.")
        tables = [_read_file(file) for file in files]
        return Table(
            pl.concat([table.frame for table in tables], how="diagonal_relaxed"),
            [line for table in tables for line in table.broken],
            tables[0].format,
        )
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    return _read_file(path)


def _read_file(path: Path) -> Table:
    ending = _ending(path)
    try:
        if ending == ".parquet":
            frame = pl.read_parquet(path)
            table = Table(frame.with_row_index(ROW, offset=1), [], "Parquet")
        else:
            raw = path.read_bytes()
            raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
            text, encoding = _decoded(raw)
            table = _json_lines(path, text) if ending in {".jsonl", ".ndjson"} else _delimited(path, text, encoding)
    except (pl.exceptions.PolarsError, gzip.BadGzipFile, EOFError, OSError) as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None
    if not len(table.frame) and not table.broken:
        raise DataError(f"{path} has no rows.")
    return Table(table.frame.with_columns(pl.lit(path.name).alias(FILE)), table.broken, table.format)


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return "." + name.rpartition(".")[2] if "." in name else ""


def _decoded(raw: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: UTF-16 by its mark, UTF-8, else Windows-1252, which reads anything."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace"), "UTF-16"
    try:
        return raw.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), "Windows-1252"


def _delimited(path: Path, text: str, encoding: str) -> Table:
    separator = _separator(text)
    table = _records(path, text, separator, quoted=True)
    if any("\n" in line[3] and line[3].count("\n") > 20 for line in table.broken):
        # A quote that is never closed has swallowed the rest; here a quote is just a character.
        table = _records(path, text, separator, quoted=False)
    name = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}[separator]
    return Table(table.frame, table.broken, f"{name}-separated, {encoding}")


def _records(path: Path, text: str, separator: str, *, quoted: bool) -> Table:
    csv.field_size_limit(1 << 30)
    stream = io.StringIO(text, newline="")
    rows = (
        csv.reader(stream, delimiter=separator)
        if quoted
        else csv.reader(stream, delimiter=separator, quoting=csv.QUOTE_NONE)
    )
    header = _header(next(rows, []))
    if not header:
        raise DataError(f"{path} is empty.")
    frames, broken = [], []
    number = 1
    while chunk := list(islice(rows, CHUNK)):
        good, at = [], []
        for row in chunk:
            number += 1
            if len(row) == len(header):
                good.append(row)
                at.append(number)
            elif row:
                said = f"{len(row)} fields where the header has {len(header)}"
                broken.append((path.name, number, said, separator.join(row)))
        columns = zip(*good, strict=True) if good else ([] for _ in header)
        frame = pl.DataFrame(
            {name: pl.Series(values, dtype=pl.String) for name, values in zip(header, columns, strict=True)}
        )
        frames.append(frame.with_columns(pl.Series(ROW, at, dtype=pl.UInt32)))
    empty = pl.DataFrame(
        {**{name: pl.Series([], dtype=pl.String) for name in header}, ROW: pl.Series([], dtype=pl.UInt32)}
    )
    return Table(pl.concat([empty, *frames]), broken)


def _header(names: list[str]) -> list[str]:
    """Names without stray spaces; the empty and the repeated get a number."""
    seen: Counter[str] = Counter()
    found = []
    for position, name in enumerate(names, start=1):
        name = name.strip() or f"column_{position}"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def _separator(text: str) -> str:
    """The one that cuts the first lines into most fields of equal number."""
    lines = [line for line in islice(io.StringIO(text), 50) if line.strip()]

    def agreement(separator: str) -> tuple[float, int]:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=separator))
        fields, often = counts.most_common(1)[0] if counts else (1, 0)
        return (often / max(1, len(lines)) if fields > 1 else 0.0, fields)

    return max(SEPARATORS, key=agreement)


def _json_lines(path: Path, text: str) -> Table:
    good: list[dict[str, Any]] = []
    broken = []
    for number, line in enumerate(io.StringIO(text), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            broken.append((path.name, number, "not JSON", line.strip()))
            continue
        if isinstance(record, dict):
            good.append({**{str(key): _text(value) for key, value in record.items()}, ROW: number})
        else:
            broken.append((path.name, number, "not a JSON object", line.strip()))
    names = dict.fromkeys(name for record in good for name in record if name != ROW)
    columns = {name: pl.Series([record.get(name) for record in good], dtype=pl.String) for name in names}
    rows = pl.Series([record[ROW] for record in good], dtype=pl.UInt32)
    return Table(pl.DataFrame({**columns, ROW: rows}), broken, "JSON lines")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
