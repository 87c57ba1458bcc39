"""A table checked part by part is the table checked whole; a quarantine put right is read again."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data.checks.check import checked, checked_parts
from foretaste.data.checks.repair import cut
from foretaste.data.config import DataConfig, ProjectConfig
from foretaste.data.prepare.config import PrepareConfig
from foretaste.data.project.guess import guess_project, load_dataset
from foretaste.data.readers.common import FILE, ROW, Table

CONFIG = ProjectConfig(
    name="x", data=DataConfig(events="e.csv", user="user", item="item", time="time", time_format="s", value="value")
)
fields = {
    "user": st.sampled_from(["u1", "u2", " u1 ", "", None]),
    "item": st.sampled_from(["i1", "i2", "i3", ""]),
    "time": st.sampled_from(["1700000000", "1700000001", "soon", ""]),
    "value": st.sampled_from(["1", "4,5", "many", ""]),
}


def table(rows: list[dict[str, str | None]], start: int = 2) -> Table:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(fields, pl.String))
    numbers = pl.int_range(start, start + len(rows), dtype=pl.UInt32, eager=True)
    return Table(frame.with_columns(numbers.alias(ROW), pl.lit("e.csv").alias(FILE)))


@given(st.lists(st.fixed_dictionaries(fields), min_size=1, max_size=30), st.sets(st.integers(1, 29)))
@settings(max_examples=25, deadline=None)
def test_where_the_parts_are_cut_does_not_matter(rows: list[dict[str, str | None]], cuts: set[int]) -> None:
    rows = [{"user": "u9", "item": "i9", "time": "1700000009", "value": "1"}, *rows]
    places = [0, *sorted(at for at in cuts if at < len(rows)), len(rows)]
    parts = [table(rows[a:b], a + 2) for a, b in pairwise(places)]
    whole, pieced = checked(table(rows), CONFIG), checked_parts(parts, CONFIG)
    assert pieced.events.rows() == whole.events.rows()
    assert pieced.quarantined.rows() == whole.quarantined.rows()
    assert pieced.report.counts == whole.report.counts
    by_code = {problem.code: problem for problem in whole.report.problems}
    assert {problem.code: problem for problem in pieced.report.problems} == by_code


def test_ids_are_floats_only_if_they_are_so_in_every_part() -> None:
    rows = [{"user": "1.0", "item": "a", "time": "1700000000", "value": "1"}]
    odd = [{"user": "x", "item": "a", "time": "1700000000", "value": "1"}]
    assert checked_parts([table(rows), table(rows)], CONFIG).events["user"].to_list() == ["1", "1"]
    assert checked_parts([table(rows), table(odd)], CONFIG).events["user"].to_list() == ["1.0", "x"]


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("one", [2.0, 4.0, 1.0, 10.0, 1.0]),
        ("median", [2.0, 4.0, 4.0, 10.0, 4.0]),
        ("user-mean", [2.0, 4.0, 3.0, 10.0, 10.0]),
        ("item-mean", [2.0, 4.0, 2.0, 10.0, 7.0]),
        ("quarantine", [2.0, 4.0, 10.0]),
    ],
)
def test_missing_values_by_the_rule_that_was_named(rule: str, values: list[float]) -> None:
    rows = [
        {"user": "u1", "item": "i1", "time": "1700000000", "value": "2"},
        {"user": "u1", "item": "i2", "time": "1700000001", "value": "4"},
        {"user": "u1", "item": "i1", "time": "1700000002", "value": "?"},
        {"user": "u2", "item": "i2", "time": "1700000003", "value": "10"},
        {"user": "u2", "item": "i2", "time": "1700000004", "value": ""},
    ]
    config = CONFIG.model_copy(update={"prepare": PrepareConfig(missing_values=rule)})
    reading = checked(table(rows), config)
    assert reading.events["value"].to_list() == values
    problem = next(problem for problem in reading.report.problems if problem.code == "value-unreadable")
    assert problem.rows == 2
    assert problem.action == ("quarantined" if rule == "quarantine" else "kept")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("how", ["in the text", "in the columns"])
def test_a_row_that_could_not_be_cut_is_put_right_and_read_again(separator: str, how: str, tmp_path: Path) -> None:
    good = [f"u{i}{separator}i{i % 5}{separator}170000000{i % 10}" for i in range(30)]
    broken = f"u99{separator}i1{separator}{separator}1700000005"
    lines = [separator.join(["user", "item", "timestamp"]), *good[:15], broken, *good[15:]]
    (tmp_path / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config, _ = guess_project(tmp_path / "events.csv")
    data, report = load_dataset(config, tmp_path)
    assert (len(data), report.counts["quarantined"]) == (30, 1)
    quarantine = list(csv.DictReader(io.StringIO((tmp_path / "quarantine.csv").read_text(encoding="utf-8"))))
    assert [row["__text__"] for row in quarantine] == [broken]
    if how == "in the text":
        quarantine[0]["__text__"] = broken.replace(2 * separator, separator)
    else:
        quarantine[0] |= {"user": "u99", "item": "i1", "timestamp": "1700000005", "__text__": ""}
    with (tmp_path / "again.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(quarantine[0]))
        writer.writeheader()
        writer.writerows(quarantine)
    again = config.model_copy(update={"data": config.data.model_copy(update={"events": "again.csv"})})
    mended, report = load_dataset(again, tmp_path)
    assert mended.as_frame().rows() == [("u99", "i1", "interaction", 1.0, 1_700_000_005_000_000)]
    assert report.counts["quarantined"] == 0


def test_what_still_cannot_be_cut_stays_in_quarantine(tmp_path: Path) -> None:
    text = '__row__,__file__,user,item,__why__,__text__\n7,e.csv,u1,i1,user-empty,\n9,e.csv,,,ragged,"u2;i2;x;y"\n'
    (tmp_path / "again.csv").write_text(text, encoding="utf-8")
    config = ProjectConfig(name="x", data=DataConfig(events="again.csv", user="user", item="item"))
    data, report = load_dataset(config, tmp_path)
    assert len(data) == 1
    assert report.counts["quarantined"] == 1
    assert "u2;i2;x;y" in (tmp_path / "quarantine.csv").read_text(encoding="utf-8")


def test_two_ways_to_cut_are_none() -> None:
    assert cut("a,b;c", 2) is None
    assert cut("a", 1) is None, "every separator gives one field"
    assert cut('"a,b",c', 2) == ["a,b", "c"]
