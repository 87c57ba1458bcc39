"""What a check says of rows that are each well-formed and of the files beside the events; what it never loses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from foretaste.data.checks.check import Reading, checked
from foretaste.data.checks.report_view import report_view
from foretaste.data.guessing.event_columns import guess_columns
from foretaste.data.parsing.columns import typed_columns
from foretaste.data.parsing.times import guess_format, to_microseconds
from foretaste.data.project.guess import guess_project, load_dataset, load_project, write_project
from foretaste.data.readers.tables import ROW, read_table
from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "user,item,time,rating\n"
ROWS = [f"u{i % 7},i{i % 5},{1_700_000_000 + 60 * i},{i % 5 + 1}" for i in range(40)]


def read(path: Path, text: str) -> Reading:
    path.write_text(text, encoding="utf-8")
    config, _ = guess_project(path)
    return checked(read_table(path), config)


def codes(reading: Reading) -> dict[str, tuple[int, str]]:
    return {problem.code: (problem.rows, problem.action) for problem in reading.report.problems}


ODD = {
    "u1,i1,1700000000000,3": ("time-unit", "repaired"),
    "u1,i1,1700000000000000000,3": ("time-unit", "repaired"),
    "u1,i1,99999999999,3": ("time-future", "quarantined"),
    "u1,i1,0,3": ("time-early", "kept"),
    "u1,i1,-62135596800,3": ("time-early", "kept"),
    "NULL,i1,1700000000,3": ("user-placeholder", "kept"),
    "nan,i1,1700000000,3": ("user-placeholder", "kept"),
    "u1,1.23E+11,1700000000,3": ("item-rounded", "kept"),
    "u1,i1,1700000000,1e300": ("value-unreadable", "kept"),
    "u1,i1,1700000000,-2": ("value-negative", "kept"),
    "u1,i1,1700000000,100000": ("value-far", "kept"),
    "u0,i0,1700000000,1": ("repeated", "kept"),
    ",i0,1700000000,1": ("user-empty", "quarantined"),
    "u0,,1700000000,1": ("item-empty", "quarantined"),
    "u0,i0,soon,1": ("time-unreadable", "quarantined"),
    "u0,i0,,1": ("time-unreadable", "quarantined"),
    "u0, i0 ,1700000001,1": ("item-spaces", "repaired"),
    "u0,i0,1700000001,good": ("value-unreadable", "kept"),
    "u0,i0,1700000000": ("ragged", "quarantined"),
    "u0,i0,1700000000,1,2": ("ragged", "quarantined"),
    "user,item,time,rating": ("ragged", "quarantined"),
}


@pytest.mark.parametrize("row", ODD)
def test_one_odd_row_among_good_ones_is_named_and_nothing_else(tmp_path: Path, row: str) -> None:
    reading = read(tmp_path / "e.csv", HEADER + "\n".join([*ROWS, row]) + "\n")
    code, action = ODD[row]
    assert codes(reading) == {code: (1, action)}
    assert len(reading.events) == 40 + (action != "quarantined")
    problem = reading.report.problems[0]
    assert problem.first[0][:2] == ("e.csv", 42)
    assert reading.quarantined[ROW].to_list() == ([42] if action == "quarantined" else [])


def test_good_rows_bring_no_problem_and_times_of_another_unit_are_mended(tmp_path: Path) -> None:
    good = read(tmp_path / "good.csv", HEADER + "\n".join(ROWS))
    assert codes(good) == {}
    mixed = [row if n % 3 else _in_milliseconds(row) for n, row in enumerate(ROWS)]
    mended = read(tmp_path / "mixed.csv", HEADER + "\n".join(mixed))
    assert codes(mended) == {"time-unit": (14, "repaired")}
    assert mended.events.equals(good.events)


def _in_milliseconds(row: str) -> str:
    user, item, seconds, rating = row.split(",")
    return f"{user},{item},{seconds}000,{rating}"


def test_a_robot_and_ties_are_named(tmp_path: Path) -> None:
    people = [f"u{i % 300},i{i % 50},{1_700_000_000 + 60 * i},3" for i in range(900)]
    robot = [f"bot,i{i % 50},{1_700_000_000 + 60 * (i // 2)},3" for i in range(1500)]
    reading = read(tmp_path / "e.csv", HEADER + "\n".join(people + robot))
    found = codes(reading)
    assert found["robots"] == (1500, "kept")
    assert found["ties"][0] == 1500
    assert len(reading.events) == 2400


def test_the_report_says_what_the_data_can_carry(tmp_path: Path) -> None:
    old = [f"u{i % 30},i{i % 9},{1_700_000_000 + i},3" for i in range(180)]
    known = [f"u{i % 30},fresh{i % 2},{1_750_000_000 + i},3" for i in range(10)]
    strangers = [f"n{i},i1,{1_750_000_000 + i},3" for i in range(10)]
    reading = read(tmp_path / "e.csv", HEADER + "\n".join(old + known + strangers))
    counts = reading.report.counts
    assert counts["new_items_among_the_newest_events"] == 0.5
    assert counts["new_users_among_the_newest_events"] == 0.5
    assert counts["suggested_split"] == "leave-one-out and time"
    console = Console(width=200, record=True, file=None, quiet=True)
    console.print(report_view(reading.report))
    assert reading.report.to_json()["counts"] == counts


CLEAN = [f"user-{i % 11},item-{i % 13},2025-03-{i % 27 + 1:02d}T10:{i % 60:02d}:00Z,{i % 5 + 1}" for i in range(60)]
# No quotes and no line breaks: those may join lines, which has a test of its own.
BREAKS = '"\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029'
GARBAGE = st.text(st.characters(exclude_characters=BREAKS, exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(0, 59), GARBAGE, max_size=20))
def test_whatever_stands_in_other_lines_a_good_line_is_read(tmp_path: Path, garbage: dict[int, str]) -> None:
    clean = read(tmp_path / "clean.csv", HEADER + "\n".join(CLEAN))
    config, _ = guess_project(tmp_path / "clean.csv")
    lines = [garbage.get(n, line) for n, line in enumerate(CLEAN)]
    path = tmp_path / "spoiled.csv"
    path.write_text(HEADER + "\n".join(lines), encoding="utf-8")
    table = read_table(path)
    reading = checked(table, config)
    untouched = clean.events.filter(pl.Series([n not in garbage for n in range(60)]))
    rows_read = set(reading.events.rows())
    assert set(untouched.rows()) <= rows_read
    assert len(reading.events) + len(reading.quarantined) == reading.report.counts["rows"]
    lost = set(reading.quarantined[ROW].to_list()) if len(reading.quarantined) else set()
    assert lost <= {n + 2 for n in garbage}


SPELLED = {  # all of them 3 January 2025, 10:05 UTC
    "01/03/2025 10:05 AM": "%m/%d/%Y %I:%M %p",
    "20250103T100500Z": "%Y%m%dT%H%M%SZ",
    "Fri, 03 Jan 2025 10:05:00 GMT": "%a, %d %b %Y %H:%M:%S GMT",
    "Fri Jan 03 10:05:00 +0000 2025": "%a %b %d %H:%M:%S %z %Y",
    "Fri Jan 03 12:05:00 +0200 2025": "%a %b %d %H:%M:%S %z %Y",
    "03.01.25 10:05": "%d.%m.%y %H:%M",
    "2025/01/03 10:05": "%Y/%m/%d %H:%M",
    "2025-01-03T10:05Z": "iso",
    "2025-01-03 11:05:00+01": "iso",
}


@pytest.mark.parametrize("text", SPELLED)
def test_more_spellings_of_times(text: str) -> None:
    spelling, share = guess_format([text] * 5)
    assert (spelling, share) == (SPELLED[text], 1.0)
    expected = int(datetime(2025, 1, 3, 10, 5, tzinfo=UTC).timestamp() * 1e6)
    assert to_microseconds(pl.Series([text]), spelling).to_list() == [expected]


def test_the_first_rows_of_a_log_do_not_decide_what_its_dates_mean(tmp_path: Path) -> None:
    # As in the Online Retail set: 3,000 rows of 12/1/2010, which is the first of December.
    rows = [f"c{i % 9},p{i % 5},12/{1 + i // 3000}/2010 8:26" for i in range(60_000)]
    (tmp_path / "e.csv").write_text("CustomerID,StockCode,InvoiceDate\n" + "\n".join(rows))
    config, guesses = guess_project(tmp_path / "e.csv")
    assert config.data.time_format == "%m/%d/%Y %H:%M"
    frame = pl.DataFrame({"user": ["a", "b"], "item": ["x", "y"], "date": ["1/2/2025", "3/2/2025"]})
    said = {guess.role: guess for guess in guess_columns(frame)}["time"].why
    assert "day or month first?" in said
    assert all(0 <= guess.confidence <= 1 for guess in guesses)


def test_a_named_column_that_does_not_fit_is_named(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": ["a", "b"], "item": ["x", "y"], "timestamp": ["soon", "later"]})
    guess = {guess.role: guess for guess in guess_columns(frame)}["time"]
    assert guess.column is None
    assert "'timestamp' is called that, but its values do not read as times" in guess.why


def test_columns_of_items_get_their_meaning() -> None:
    frame = pl.DataFrame(
        {
            "title": ["Alien|s", "", "1984"],
            "genres": ["Action|War", "", "Drama"],
            "tags": ['["a", 1]', None, "[]"],
            "year": ["1986", "", "2004"],
            "price": ["9.90", "10", None],
            "ean": ["0042", "123", "7"],
            "prose": ["a | b", "x|y", "z"],
            "in_stock": ["true", " False", ""],
            "sale": ["true", "soon", None],
        }
    )
    assert typed_columns(frame, keep=("title",)).to_dict(as_series=False) == {
        "title": ["Alien|s", None, "1984"],
        "genres": [["Action", "War"], None, ["Drama"]],
        "tags": [["a", "1"], None, []],
        "year": [1986, None, 2004],
        "price": [9.9, 10.0, None],
        "ean": ["0042", "123", "7"],
        "prose": ["a | b", "x|y", "z"],
        "in_stock": [True, False, None],
        "sale": ["true", "soon", None],
    }


def test_item_and_user_files_are_joined_and_checked(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,item\na,1.0\nb,2.0\nc,99.0\n")
    (tmp_path / "i.csv").write_text("id,title,genres\n1,One,x|y\n2,Two,y\n2,Two again,y\n,None,\n3,Three,x\n4\n")
    (tmp_path / "u.csv").write_text("uid,age\nb,30\nb,31\nz,5\n")
    config, _ = guess_project(tmp_path / "e.csv", tmp_path / "i.csv", tmp_path / "u.csv")
    write_project(tmp_path, config)
    data, report = load_dataset(load_project(tmp_path), tmp_path)
    titles = dict(zip(data.items.ids.names, data.items.titles(), strict=True))
    assert titles == {"1": "One", "2": "Two again", "3": "Three", "99": "99"}
    assert data.user_table is not None
    assert dict(zip(data.users.names, data.user_table["age"], strict=True)) == {"a": None, "b": 31, "c": None}
    assert {problem.code: (problem.rows, problem.action) for problem in report.problems} == {
        "item-floats": (3, "repaired"),
        "item-row-without-id": (1, "left out"),
        "item-row-repeated": (1, "left out"),
        "item-row-ragged": (1, "left out"),
        "item-unknown": (1, "kept"),
        "user-row-repeated": (1, "left out"),
        "user-unknown": (2, "kept"),
    }
    wrong = config.model_copy(update={"data": config.data.model_copy(update={"item_key": "idd"})})
    with pytest.raises(ConfigError, match="Did you mean 'id'"):
        load_dataset(wrong, tmp_path)


def test_items_the_item_file_does_not_know_are_shown_where_they_stand(tmp_path: Path) -> None:
    strange = ["u1,i9,1700000000,1", "u2, 99999 ,1700000000,1", "u3,99999,1700000000,1"]
    (tmp_path / "e.csv").write_text(HEADER + "\n".join([*ROWS, ",i1,1700000000,1", *strange]) + "\n")
    (tmp_path / "i.csv").write_text("item,title\n" + "".join(f"i{i},Title {i}\n" for i in range(5)))
    config, _ = guess_project(tmp_path / "e.csv", tmp_path / "i.csv")
    unknown = next(p for p in load_dataset(config, tmp_path)[1].problems if p.code == "item-unknown")
    assert unknown.first == (("e.csv", 43, "i9"), ("e.csv", 44, "99999"))
    lines = (tmp_path / "e.csv").read_text().splitlines()
    assert [lines[row - 1] for _, row, _ in unknown.first] == strange[:2]
