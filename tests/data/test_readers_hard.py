"""Files as people really have them: without a header, in odd encodings, compressed, in a database, no table at all."""

from __future__ import annotations

import io
import json
import sqlite3
from typing import TYPE_CHECKING

import polars as pl
import pytest

from foretaste.data.checks.check import checked
from foretaste.data.project.guess import guess_project
from foretaste.data.readers.frames import frame_table
from foretaste.data.readers.tables import FILE, ROW, read_table
from foretaste.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "user,item,time,rating\n"
ROWS = "".join(f"u{i % 7},i{i % 5},{1_700_000_000 + 60 * i},{i % 5 + 1}\n" for i in range(40))
EXPECTED = [(f"u{i % 7}", f"i{i % 5}", (1_700_000_000 + 60 * i) * 1_000_000, float(i % 5 + 1)) for i in range(40)]


def read_back(path: Path) -> list[tuple[object, ...]]:
    config, _ = guess_project(path)
    return checked(read_table(path), config).events.select("user", "item", "time", "value").rows()


def zstd(text: str) -> bytes:
    """polars writes zstd only inside Parquet and its own CSV sink; the latter is used here."""
    out = io.BytesIO()
    pl.read_csv(text.encode(), infer_schema=False).lazy().sink_csv(out, compression="zstd")
    return out.getvalue()


WRITTEN = {
    "carriage returns alone": (HEADER + ROWS).replace("\n", "\r").encode(),
    "a line that states the separator": ("sep=;\n" + (HEADER + ROWS).replace(",", ";")).encode(),
    "spaces between the fields": (HEADER + ROWS).replace(",", " ").encode(),
    "double colons": (HEADER + ROWS).replace(",", "::").encode(),
    "UTF-16 without its mark": (HEADER + ROWS).encode("utf-16-le"),
    "UTF-16 the other way round": (HEADER + ROWS).encode("utf-16-be"),
    "UTF-32": (HEADER + ROWS).encode("utf-32"),
    "empty lines between": (HEADER + ROWS).replace("\n", "\n\n").encode(),
    "no header": ROWS.encode(),
    "no header, double colons": ROWS.replace(",", "::").encode(),
    "no header, tabs": ROWS.replace(",", "\t").encode(),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_row_of_an_oddly_written_file_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "ratings.dat"
    path.write_bytes(WRITTEN[name])
    assert read_back(path) == EXPECTED


def test_rows_are_numbered_as_an_editor_numbers_lines(tmp_path: Path) -> None:
    for text, first in ((HEADER + ROWS, 2), (ROWS, 1), ("sep=,\n" + HEADER + ROWS, 3)):
        (tmp_path / "e.csv").write_text(text)
        assert read_table(tmp_path / "e.csv").frame[ROW].to_list() == list(range(first, first + 40))


def test_a_data_frames_numbered_columns_are_a_header(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(",0,1\n0,a,b\n1,c,d\n")
    assert len(read_table(tmp_path / "e.csv").frame) == 2


def test_a_header_in_the_middle_is_no_event(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,item\nann,b\nuser,item\nbob,c\n")
    config, _ = guess_project(tmp_path / "e.csv")
    reading = checked(read_table(tmp_path / "e.csv"), config)
    assert reading.events["user"].to_list() == ["ann", "bob"]
    assert reading.quarantined[ROW].to_list() == [3]


def test_a_stray_byte_spoils_only_itself(tmp_path: Path) -> None:
    names = ["Zoë", "用户", "Ünal", "Jürgen", "Åsa"]
    raw = b"user,item\n" + "".join(f"{name},x\n" for name in names).encode() + b"Ren\xe9,x\n"
    (tmp_path / "e.csv").write_bytes(raw)
    table = read_table(tmp_path / "e.csv")
    assert table.frame["user"].to_list() == [*names, "René"]
    assert "stray" in table.format


def test_bytes_that_windows_does_not_know_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_bytes(b"user,item\na\x81,x\na\x8d,x\n\xe9,x\n")
    assert read_table(tmp_path / "e.csv").frame["user"].n_unique() == 3


def test_zstd_keeps_every_letter(tmp_path: Path) -> None:
    (tmp_path / "e.csv.zst").write_bytes(zstd(HEADER + ROWS + 'é"x,"a,b",1700000000,3\n'.replace('é"x', '"é""x"')))
    config, _ = guess_project(tmp_path / "e.csv.zst")
    events = checked(read_table(tmp_path / "e.csv.zst"), config).events
    assert events.row(-1)[:2] == ('é"x', "a,b")
    assert len(events) == 41


def test_json_keeps_the_spelling_of_numbers_and_flattens_objects(tmp_path: Path) -> None:
    big = 12345678901234567890123
    records = [
        {"user": {"id": big + i}, "product": {"sku": f"s{i}", "tags": ["a", "b"]}, "price": 1.10} for i in (0, 1)
    ]
    spellings = {
        "e.json": json.dumps(records),
        "wrapped.json": json.dumps({"total": 2, "events": records}),
        "e.jsonl": "\n".join(json.dumps(record) for record in records),
    }
    for name, text in spellings.items():
        (tmp_path / name).write_text(text)
        frame = read_table(tmp_path / name).frame
        assert frame["user.id"].to_list() == [str(big), str(big + 1)], name
        assert frame["product.sku"].to_list() == ["s0", "s1"]
        assert frame["price"].to_list() == ["1.1", "1.1"]
    (tmp_path / "e.jsonl").write_text('{"user":"a","item":"b"}\nnot json\n[1]\n{"user":"c","item":"d"}\n')
    table = read_table(tmp_path / "e.jsonl")
    assert table.frame[ROW].to_list() == [1, 4]
    assert [line[1] for line in table.broken] == [2, 3]


def test_a_database_table_is_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    base = sqlite3.connect(path)
    base.execute('CREATE TABLE "my orders" (user TEXT, item INTEGER)')
    base.executemany('INSERT INTO "my orders" VALUES (?, ?)', [("007", 9_007_199_254_740_993), (None, 2)])
    base.commit()
    assert read_table(path).frame["item"].to_list() == ["9007199254740993", "2"]
    base.execute("CREATE TABLE people (id TEXT)")
    base.commit()
    base.close()
    with pytest.raises(DataError, match=r"my orders, people; say which .* shop\.db#TABLE"):
        read_table(path)
    assert read_table(tmp_path / "shop.db#my orders").frame["user"].to_list() == ["007", None]
    with pytest.raises(DataError, match="Did you mean 'people'"):
        read_table(tmp_path / "shop.db#poeple")
    (tmp_path / "fake.db").write_text("user,item\na,b\n")
    with pytest.raises(DataError, match="SQLite"):
        read_table(tmp_path / "fake.db")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"PK\x03\x04" + bytes(range(256)) * 4, "spreadsheet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "not text"),
        (b"\x28\xb5\x2f\xfd000", "cannot be read"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path: Path, raw: bytes, message: str) -> None:
    (tmp_path / "e.csv").write_bytes(raw)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "e.csv")


def test_two_tables_in_one_folder_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item\na,b\n")
    (tmp_path / "b.csv").write_text("sku,price\nb,3\n")
    with pytest.raises(DataError, match=r"b\.csv has other columns \(sku, price\)"):
        read_table(tmp_path)
    (tmp_path / "b.csv").write_text("item,user,shop\nd,c,x\n")
    (tmp_path / "quarantine.csv").write_text("user,item\n,b\n")
    table = read_table(tmp_path)
    assert table.frame.select("user", "item", FILE).rows() == [("a", "b", "a.csv"), ("c", "d", "b.csv")]


def test_parquet_with_types_of_every_sort_is_read_and_quarantined(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "user": [1.0, float("nan"), 3.0],
            "item": [b"a", b"b", b"c"],
            "tags": [["x"], None, ["y", "z"]],
            "where": [{"lat": 1.5}, {"lat": 2.5}, None],
            "picture": [b"\xff", b"\xfe", None],
        }
    )
    frame.write_parquet(tmp_path / "e.parquet")
    config, _ = guess_project(tmp_path / "e.parquet")
    reading = checked(read_table(tmp_path / "e.parquet"), config)
    assert reading.events.select("user", "item").rows() == [("1", "a"), ("3", "c")]
    assert pl.read_csv(reading.quarantined.write_csv().encode())[ROW].to_list() == [2]


class Arrow:
    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(schema)


def test_frames_of_every_make_are_one_table() -> None:
    frame = pl.DataFrame({"user": ["a", "b"], "item": [1, 2]})
    for source in (frame, frame.lazy(), Arrow(frame), frame.to_dict(as_series=False), frame.to_dicts()):
        assert frame_table(source).frame.select("user", "item").equals(frame)
    assert frame_table(frame.with_columns(pl.lit(9).alias(ROW))).frame[ROW].to_list() == [1, 2]
    with pytest.raises(DataError, match="has no rows"):
        frame_table(frame.clear())
    with pytest.raises(DataError, match="is a int"):
        frame_table(3)
