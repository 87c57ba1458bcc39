"""Files as people really send them, broken in every way: one sentence or every good row, and never a traceback."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.data.project.guess import guess_project, load_dataset
from foretaste.errors import ForetasteError

GOOD = [f"u{i % 7},i{i % 5},{1_700_000_000 + i},{i % 5 + 1}" for i in range(40)]
HEADER = "user,item,timestamp,rating"
TEXT = "\n".join([HEADER, *GOOD]) + "\n"


def parquet(frame: pl.DataFrame) -> bytes:
    held = io.BytesIO()
    frame.write_parquet(held)
    return held.getvalue()


def zipped(content: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("events.csv", content)
    return held.getvalue()


def with_rows(*rows: str) -> bytes:
    return "\n".join([HEADER, *GOOD[:20], *rows, *GOOD[20:]]).encode() + b"\n"


FRAME = pl.DataFrame({"user": ["a", "b"] * 20, "item": list(range(40)), "time": list(range(10**9, 10**9 + 40))})
LINES = "\n".join(json.dumps({"user": f"u{i}", "item": i, "ts": 1_700_000_000 + i}) for i in range(40))
BROKEN: dict[str, tuple[str, bytes, int | None]] = {
    # name: (file, content, good rows; None where one sentence is all there can be)
    "nothing": ("e.csv", b"", None),
    "a BOM alone": ("e.csv", b"\xef\xbb\xbf", None),
    "blank lines": ("e.csv", b"\n\n\n \n", None),
    "a header alone": ("e.csv", b"user,item,timestamp\n", None),
    "a picture": ("e.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200), None),
    "zeros": ("e.csv", bytes(4096), None),
    "a zip called CSV": ("e.csv", zipped(TEXT), None),
    "half a gzip": ("e.csv.gz", gzip.compress(TEXT.encode())[:-20], None),
    "text called gzip": ("e.csv.gz", TEXT.encode(), 40),
    "gzip called CSV": ("e.csv", gzip.compress(TEXT.encode()), 40),
    "half a Parquet": ("e.parquet", parquet(FRAME)[:-30], None),
    "text called Parquet": ("e.parquet", TEXT.encode(), None),
    "Parquet without rows": ("e.parquet", parquet(FRAME.clear()), None),
    "Parquet of nulls": ("e.parquet", parquet(pl.DataFrame({"user": [None] * 5, "item": [None] * 5})), None),
    "half a SQLite": ("e.db", b"SQLite format 3\x00" + bytes(50), None),
    "text called SQLite": ("e.db", TEXT.encode(), None),
    "half a JSON line": ("e.jsonl", (LINES + '\n{"user": "u1", "it').encode(), 40),
    "JSON lines with garbage between": ("e.jsonl", LINES.replace("\n", "\nnot json\n", 3).encode(), 40),
    "a JSON list cut short": ("e.json", ("[" + LINES.replace("\n", ",\n")).encode(), None),
    "a JSON number": ("e.json", b"42", None),
    "JSON that is no table": ("e.json", b'{"a": [[[]]]}', None),
    "JSON too deep": ("e.json", b"[" * 100_000, None),
    "one column": ("e.csv", b"user\nu1\nu2\n", None),
    "the same column twice": ("e.csv", TEXT.replace("rating", "user").encode(), 40),
    "columns without names": ("e.csv", TEXT.replace(HEADER, ",,,").encode(), None),
    "a row too long": ("e.csv", with_rows("u1,i1,1700000000,3,more,and,more"), 40),
    "a row too short": ("e.csv", with_rows("u1"), 40),
    "an empty row": ("e.csv", with_rows("", "   ", ",,,"), 40),
    "the header again": ("e.csv", with_rows(HEADER), 40),
    "a quote never closed": ("e.csv", with_rows('"u1,i1,1700000000,3'), 41),
    "a quote in a word": ("e.csv", with_rows('u"1,i"1,1700000000,3'), 41),
    "letters of another alphabet cut": (
        "e.csv",
        with_rows("u1,i1,1700000000,3").replace(b"u1,i1", b"\xe9\xff,i1", 1),
        41,
    ),
    "a zero byte": ("e.csv", with_rows("u\x001,i1,1700000000,3"), 41),
    "another separator": ("e.csv", with_rows("u1;i1;1700000000;3"), 40),
    "no time": ("e.csv", with_rows("u1,i1,,3", "u1,i1,soon,3", "u1,i1,99999999999999999999,3"), 40),
    "no user": ("e.csv", with_rows(",i1,1700000000,3", "  ,i1,1700000000,3"), 40),
    "no item": ("e.csv", with_rows("u1,,1700000000,3"), 40),
    "odd values": ("e.csv", with_rows("u1,i1,1700000000,x", "u1,i1,1700000001,", "u1,i1,1700000002,1e999"), 43),
    "a remark above": ("e.csv", b"Export of 2025-01-01\n\n" + TEXT.encode(), None),
    "a sum below": ("e.csv", TEXT.encode() + b"Total,,,120\n", 40),
    "a megabyte in a field": ("e.csv", with_rows(f"u1,{'x' * 2**20},1700000000,3"), 41),
    "line ends of three kinds": ("e.csv", TEXT.replace("\n", "\r\n", 10).replace("\r\n", "\r", 3).encode(), None),
}


def outcome(path: Path) -> tuple[int, int, int] | str:
    """Rows read, good, in quarantine; or the sentence that says why there are none."""
    try:
        config, _ = guess_project(path)
        data, report = load_dataset(config, path.parent)
    except ForetasteError as error:
        return str(error)
    counts = report.counts
    return int(counts["rows"]), len(data), int(counts["quarantined"])


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_sentence_or_every_good_row(name: str, tmp_path: Path) -> None:
    file, content, good = BROKEN[name]
    (tmp_path / file).write_bytes(content)
    found = outcome(tmp_path / file)
    if isinstance(found, str):
        assert good is None, found
        assert "\n" not in found
        assert len(found) < 1000
        return
    rows, kept, out = found
    assert kept + out == rows
    assert good in (kept, None)
    if out:
        quarantine = pl.read_csv(tmp_path / "quarantine.csv", infer_schema=False)
        assert len(quarantine) == out, "every row that is out can be found and put right"


def broken_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE e (user, item, ts)")
        database.executemany("INSERT INTO e VALUES (?, ?, ?)", [(f"u{i}", i, 1_700_000_000 + i) for i in range(40)])
        database.execute("INSERT INTO e VALUES (NULL, x'00ff', 'soon')")


def test_a_table_of_mixed_types_is_read(tmp_path: Path) -> None:
    broken_database(tmp_path / "e.db")
    assert outcome(tmp_path / "e.db") == (41, 40, 1)


FLAWS: list[Callable[[bytes, int], bytes]] = [
    lambda raw, at: raw[:at],
    lambda raw, at: raw[:at] + b"\x00" + raw[at:],
    lambda raw, at: raw[:at] + b'"' + raw[at:],
    lambda raw, at: raw[:at] + b"\n" + raw[at:],
    lambda raw, at: raw[:at] + b",," + raw[at:],
    lambda raw, at: raw[:at] + b"\xff\xfe" + raw[at:],
    lambda raw, at: raw[:at] + b"\r" + raw[at + 1 :],
    lambda raw, at: raw[:at] + raw[at + 40 :],
    lambda raw, at: raw[:at] + raw[at:][::-1],
]
FILES = {
    "e.csv": TEXT.encode(),
    "e.jsonl": LINES.encode(),
    "e.csv.gz": gzip.compress(TEXT.encode()),
    "e.parquet": parquet(FRAME),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.sampled_from(FLAWS), st.integers(0, 2_000)), min_size=1, max_size=3),
)
def test_no_flaw_makes_a_traceback_or_loses_count(
    tmp_path: Path, file: str, flaws: list[tuple[Callable[[bytes, int], bytes], int]]
) -> None:
    raw = FILES[file]
    for flaw, at in flaws:
        raw = flaw(raw, at % max(1, len(raw)))
    (tmp_path / file).write_bytes(raw)
    found = outcome(tmp_path / file)
    if isinstance(found, str):
        assert "\n" not in found
    else:
        rows, kept, out = found
        assert kept + out == rows
