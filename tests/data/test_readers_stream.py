"""A file read in parts is the file: same rows, same row numbers, same broken lines, whatever the size of a part."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.data.readers import text as readers_text
from foretaste.data.readers.tables import FILE, ROW, Table, read_table, stream_tables
from foretaste.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "user,item,rating\n"
LINES = (
    *["a,b,1\n"] * 6,
    "ü,用户,2.5\n",
    "a,b,1\r\n",
    "a,b,1\r",
    "\n",
    "a,b\n",
    "a,b,1,2\n",
    '"quo""ted",b,1\n',
    *['"quoted","with, a comma",""\r\n'] * 3,
    '"a",b,"1"\n',
    '"user","item",rating\n',
    '"a" ,b,1\n',
    'a,"b"c,1\n',
    '"two\nlines",b,1\n',
    '"two\r\nlines, and a comma",b,1\n',
    'a 5" nail,b,1\n',
    '"never closed,b,1\n',
    "user,item,rating\n",
    ",,\n",
    "a\x00b,c\u2028d,\x0c\n",
    "\ufeffmark,b,1\n",
    " a , b ,'1'\n",
)


def whole(tables: list[Table]) -> tuple[list[str], list[tuple[object, ...]], list[tuple[str, int, str, str]]]:
    frame = pl.concat([table.frame for table in tables], how="diagonal").select(pl.exclude(ROW, FILE), ROW, FILE)
    return frame.columns, frame.rows(), [line for table in tables for line in table.broken]


def outcome(path: Path, **how: Any) -> object:
    """Everything that was read, or the sentence that says why nothing was."""
    try:
        tables = list(stream_tables(path, **how))
    except DataError as error:
        return str(error)
    return whole(tables), {table.format for table in tables}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=40),
    block=st.integers(1, 300),
    separator=st.sampled_from([",", ";", "\t", "::"]),
    header=st.booleans(),
)
def test_parts_of_any_size_and_both_ways_of_reading_agree(
    tmp_path: Path, lines: list[str], block: int, separator: str, header: bool
) -> None:
    text = ((HEADER if header else "") + "x,y,3\n" + "".join(lines)).replace(",", separator)
    (tmp_path / "e.csv").write_text(text, encoding="utf-8", newline="")
    plain = outcome(tmp_path / "e.csv", fast=False)
    for fast in (False, True):
        assert outcome(tmp_path / "e.csv", block=block, fast=fast) == plain
    assert outcome(tmp_path / "e.csv") == plain


def test_easy_blocks_are_cut_at_once_and_others_record_by_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    easy = "".join(f"u{i},i{i},{i}\n" for i in range(1000))
    (tmp_path / "e.csv").write_text(HEADER + easy + '"a\nb",c,1\n' + easy)
    seen: list[int] = []
    by_record = readers_text._plain_rows
    monkeypatch.setattr(
        readers_text, "_plain_rows", lambda found, *rest: seen.append(len(found)) or by_record(found, *rest)
    )
    frame = pl.concat([table.frame for table in stream_tables(tmp_path / "e.csv", block=2000)])
    assert frame[ROW].to_list() == list(range(2, 2003))
    assert frame["user"][1000] == "a\nb"
    assert 0 < sum(seen) < 400, "only the block with the quote went the slow way"


def test_a_quote_nobody_closes_is_found_however_far_it_reaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEADER + '"a,b,1\n' + "c,d,2\n" * 500
    (tmp_path / "e.csv").write_text(text)
    assert len(read_table(tmp_path / "e.csv").frame) == 501
    monkeypatch.setattr(readers_text, "SWALLOWED_BYTES", 100)
    assert len(read_table(tmp_path / "e.csv").frame) == 501
    (tmp_path / "long.csv").write_text(HEADER + f'"{"long " * 15}",b,1\n' * 5)
    assert len(read_table(tmp_path / "long.csv").frame) == 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("pack", [None, gzip.compress, bz2.compress, lzma.compress])
def test_letters_cut_in_two_by_a_block_are_put_together(tmp_path: Path, encoding: str, pack: object) -> None:
    names = [f"Zoë{i}é" for i in range(50)] if encoding in {"cp1252", "latin-1"} else [f"用ë😀{i}" for i in range(50)]
    if encoding == "latin-1":
        names.append("\x81é")
    raw = (HEADER + "".join(f"{name},x,{i}\r\n" for i, name in enumerate(names))).encode(encoding)
    (tmp_path / "e.csv").write_bytes(pack(raw) if callable(pack) else raw)
    for block in (1, 7, 64):
        frame = pl.concat([table.frame for table in stream_tables(tmp_path / "e.csv", block=block)])
        assert frame["user"].to_list() == names


def test_stray_bytes_are_mended_in_every_block(tmp_path: Path) -> None:
    raw = b"".join(f"Zoë{i},用户,1\n".encode() for i in range(50)) + b"Ren\xe9,x,1\n"
    (tmp_path / "e.csv").write_bytes(HEADER.encode() + raw)
    for block in (1, 50):
        frame = pl.concat([table.frame for table in stream_tables(tmp_path / "e.csv", block=block)])
        assert frame["user"].to_list() == [f"Zoë{i}" for i in range(50)] + ["René"]


RECORDS = ({"user": "a", "item": 1}, {"user": "ü", "more": {"x": 1.10}}, [1], "not json", "", {"item": "i"})


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(RECORDS), min_size=1, max_size=20), st.integers(1, 200))
def test_json_lines_in_parts_are_the_same_lines(tmp_path: Path, records: list[object], block: int) -> None:
    lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    (tmp_path / "e.jsonl").write_text("\n".join(['{"user":"first","item":"x"}', *lines]), encoding="utf-8")
    parts = list(stream_tables(tmp_path / "e.jsonl", block=block))
    assert whole(parts) == whole(list(stream_tables(tmp_path / "e.jsonl")))
    assert read_table(tmp_path / "e.jsonl").frame[ROW].to_list() == [
        n for n, record in enumerate([{}, *records], start=1) if isinstance(record, dict)
    ]


def test_a_large_file_of_json_lines_is_never_taken_for_one_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foretaste.data.readers import json as readers_json

    (tmp_path / "e.jsonl").write_text('{"broken\n' + '{"user":"a","item":"b"}\n' * 30)
    monkeypatch.setattr(readers_json, "_loads", lambda text: json.loads(text) if len(text) < 40 else pytest.fail(text))
    assert len(read_table(tmp_path / "e.jsonl").frame) == 30


def test_files_of_a_folder_follow_one_another_and_columns_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "1.csv.gz").write_bytes(gzip.compress(b"user,item,page\na,b,p1\nc,d,p2,x\n"))
    (tmp_path / "2.csv").write_text("page,user,item\np3,e,f\n")
    table = read_table(tmp_path, columns=("user", "item"))
    assert table.frame.rows() == [("a", "b", 2, "1.csv.gz"), ("e", "f", 2, "2.csv")]
    assert table.broken == [("1.csv.gz", 3, "4 fields where the header has 3", "c,d,p2,x")]
    pl.DataFrame({"user": [1], "item": [2], "page": [3]}).write_parquet(tmp_path / "e.parquet")
    assert read_table(tmp_path / "e.parquet", columns=("user", "item")).frame.columns == ["user", "item", ROW, FILE]
    wrong = read_table(tmp_path / "2.csv", columns=("user", "itm"))
    assert wrong.frame.columns == ["page", "user", "item", ROW, FILE], "so that the message can name them all"


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_a_packed_file_cut_short_is_one_sentence(tmp_path: Path, ending: str) -> None:
    packed = {
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": lambda raw: b"\x28\xb5\x2f\xfd" + raw,
    }
    raw = packed[ending]((HEADER + "".join(f"u{i},i{i * 7919 % 1000},{i}\n" for i in range(3000))).encode())
    (tmp_path / f"e.csv.{ending}").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match=rf"e\.csv\.{ending} cannot be read"):
        read_table(tmp_path / f"e.csv.{ending}")
