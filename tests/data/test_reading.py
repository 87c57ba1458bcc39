"""Any table goes in, the same ids come out, and no good row is lost."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.data.checks.check import checked
from foretaste.data.guessing.event_columns import guess_columns
from foretaste.data.project.guess import guess_project, load_dataset, load_project, write_project
from foretaste.data.readers.tables import read_table
from foretaste.errors import ConfigError, DataError

USERS = [
    "007",
    "7",
    "Ünï côdé",
    "3b241101-e2bb-4255-8caf-4136c566a962",
    "用户-1",
    "a b",
    'quo"te',
    "semi;colon",
    "com,ma",
]
ITEMS = ["0001", "1", "SKU-é", "x" * 60, "tab\tinside", "new\nline", "|bar|", "-5", "1e5"]
BEGIN = datetime(2025, 3, 1, 12, tzinfo=UTC)
HEADER = ["customer_id", "product", "when", "action", "stars"]


def good_rows(n: int = 40) -> list[list[str]]:
    pairs = itertools.cycle(itertools.product(USERS, ITEMS))
    kinds = itertools.cycle(["view", "view", "buy"])
    return [
        [user, item, (BEGIN + timedelta(hours=i)).strftime("%Y-%m-%dT%H:%M:%SZ"), next(kinds), f"{i % 5 + 1}"]
        for i, (user, item) in zip(range(n), pairs, strict=False)
    ]


def as_csv(rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=end).writerows([HEADER, *rows])
    return out.getvalue()


def read_back(path: Path) -> list[tuple[str, str, int, str, float]]:
    config, _ = guess_project(path)
    events = checked(read_table(path), config).events
    return [(e["user"], e["item"], e["time"], e["kind"], e["value"]) for e in events.iter_rows(named=True)]


def expected(rows: list[list[str]]) -> list[tuple[str, str, int, str, float]]:
    return [
        (user, item, int(datetime.fromisoformat(when).timestamp() * 1e6), kind, float(value))
        for user, item, when, kind, value in rows
    ]


SPELLINGS = list(
    itertools.product([",", ";", "\t", "|"], ["\n", "\r\n"], ["utf-8", "utf-8-sig", "utf-16"], [False, True])
)


@pytest.mark.parametrize(("separator", "end", "encoding", "zipped"), SPELLINGS)
def test_the_same_rows_however_the_file_is_written(
    tmp_path: Path, separator: str, end: str, encoding: str, zipped: bool
) -> None:
    raw = as_csv(good_rows(), separator, end).encode(encoding)
    path = tmp_path / ("events.csv.gz" if zipped else "events.csv")
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    assert read_back(path) == expected(good_rows())


def test_windows_letters_json_lines_parquet_and_folders(tmp_path: Path) -> None:
    western = [row for row in good_rows() if "用" not in row[0]]
    (tmp_path / "windows.csv").write_bytes(as_csv(western).encode("cp1252"))
    assert read_back(tmp_path / "windows.csv") == expected(western)
    lines = [json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) for row in good_rows()]
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert read_back(tmp_path / "events.jsonl") == expected(good_rows())
    frame = pl.DataFrame(good_rows(), schema=HEADER, orient="row").with_columns(
        pl.col("when").str.to_datetime(time_zone="UTC"), pl.col("stars").cast(pl.Float64)
    )
    frame.write_parquet(tmp_path / "events.parquet")
    assert read_back(tmp_path / "events.parquet") == expected(good_rows())
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "1.csv").write_text(as_csv(good_rows()[:15]), encoding="utf-8")
    (parts / "2.csv").write_text(as_csv(good_rows()[15:]), encoding="utf-8")
    assert read_back(parts) == expected(good_rows())


def test_whole_number_ids_round_trip_from_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user_id": [1, 2, 9_007_199_254_740_993], "item_id": [5.0, 6.0, 7.0]})
    frame.write_parquet(tmp_path / "ints.parquet")
    config, _ = guess_project(tmp_path / "ints.parquet")
    events = checked(read_table(tmp_path / "ints.parquet"), config).events
    assert events["user"].to_list() == ["1", "2", "9007199254740993"]
    assert events["item"].to_list() == ["5", "6", "7"]


BAD = {
    "too long": lambda row: [*row, "more"],
    "too short": lambda row: row[:3],
    "no user": lambda row: ["", *row[1:]],
    "blank user": lambda row: ["   ", *row[1:]],
    "no item": lambda row: [row[0], "", *row[2:]],
    "no time": lambda row: [*row[:2], "", *row[3:]],
    "no such day": lambda row: [*row[:2], "2025-02-31T00:00:00Z", *row[3:]],
    "words for a time": lambda row: [*row[:2], "yesterday", *row[3:]],
    "a time to come": lambda row: [*row[:2], "2222-01-01T00:00:00Z", *row[3:]],
}
MENDED = {
    "spaces": (lambda row: [f" {row[0]} ", *row[1:]], lambda row: row),
    "no kind": (lambda row: [*row[:3], "", row[4]], lambda row: [*row[:3], "interaction", row[4]]),
    "words for a value": (lambda row: [*row[:4], "many"], lambda row: [*row[:4], "1"]),
    "a comma in the number": (lambda row: [*row[:4], "4,5"], lambda row: [*row[:4], "4.5"]),
    "not a number": (lambda row: [*row[:4], "NaN"], lambda row: [*row[:4], "1"]),
    "endless": (lambda row: [*row[:4], "inf"], lambda row: [*row[:4], "1"]),
}


def spoiled(choices: list[str]) -> tuple[list[list[str]], list[list[str]], list[int]]:
    """Rows to write, the good ones as they should come out, and the row numbers of the bad ones."""
    written, good, bad = [], [], []
    # Line breaks inside a field would make a row number and a line number two things; those are tested above.
    plain = [row for row in good_rows(4 * len(choices) + 20) if "\n" not in row[1]]
    for number, (row, choice) in enumerate(zip(plain, choices, strict=False), start=2):
        if choice in BAD:
            written.append(BAD[choice](row))
            bad.append(number)
        elif choice in MENDED:
            spoil, mend = MENDED[choice]
            written.append(spoil(row))
            good.append(mend(row))
        else:
            written.append(row)
            good.append(row)
    return written, good, bad


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([*["good"] * 24, *BAD, *MENDED]), min_size=10, max_size=60).filter(
        lambda choices: choices.count("good") > len(choices) / 2
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_a_hundred_broken_files_lose_no_good_row_and_name_each_bad_one(
    tmp_path: Path, choices: list[str], separator: str
) -> None:
    written, good, bad = spoiled(choices)
    path = tmp_path / "broken.csv"
    path.write_text(as_csv(written, separator), encoding="utf-8")
    clean = tmp_path / "clean.csv"
    clean.write_text(as_csv(good_rows(30), separator), encoding="utf-8")
    config, _ = guess_project(clean)
    config = config.model_copy(update={"data": config.data.model_copy(update={"events": str(path)})})
    reading = checked(read_table(path), config)
    events = [(e["user"], e["item"], e["time"], e["kind"], e["value"]) for e in reading.events.iter_rows(named=True)]
    assert events == expected(good)
    assert sorted(reading.quarantined["__row__"].to_list() if len(reading.quarantined) else []) == bad
    assert reading.report.counts["rows"] == len(choices)
    assert reading.report.counts["quarantined"] == len(bad)


def test_the_report_names_rows_values_and_what_happened(tmp_path: Path) -> None:
    written, _, _ = spoiled(["good"] * 5 + ["no user", "spaces", "no such day", "too long"])
    (tmp_path / "events.csv").write_text(as_csv(written), encoding="utf-8")
    config, _ = guess_project(tmp_path / "events.csv")
    write_project(tmp_path, config)
    _, report = load_dataset(load_project(tmp_path), tmp_path)
    said = {problem.code: problem for problem in report.problems}
    assert said["user-empty"].first == (("events.csv", 7, ""),)
    assert said["user-spaces"].action == "repaired"
    assert said["time-unreadable"].first == (("events.csv", 9, "2025-02-31T00:00:00Z"),)
    assert said["ragged"].first[0][:2] == ("events.csv", 10)
    quarantine = pl.read_csv(tmp_path / "quarantine.csv", infer_schema=False)
    assert set(quarantine["__why__"]) >= {"user-empty", "time-unreadable"}


def test_repaired_quarantine_can_be_read_again(tmp_path: Path) -> None:
    written, good, _ = spoiled(["good"] * 6 + ["no such day"])
    (tmp_path / "events.csv").write_text(as_csv(written), encoding="utf-8")
    config, _ = guess_project(tmp_path / "events.csv")
    load_dataset(config, tmp_path)
    mended = (tmp_path / "quarantine.csv").read_text(encoding="utf-8").replace("2025-02-31", "2025-03-31")
    (tmp_path / "again.csv").write_text(mended, encoding="utf-8")
    again = config.model_copy(update={"data": config.data.model_copy(update={"events": "again.csv"})})
    data, report = load_dataset(again, tmp_path)
    assert len(data) == 1
    assert report.counts["quarantined"] == 0
    assert len(good) == 6


def test_an_unclosed_quote_does_not_swallow_the_rest(tmp_path: Path) -> None:
    rows = [row for row in good_rows(300) if not set('"\n\t,') & set("".join(row))]
    text = as_csv(rows).replace("7,", '"7,', 1)
    (tmp_path / "events.csv").write_text(text, encoding="utf-8")
    assert len(read_back(tmp_path / "events.csv")) >= len(rows) - 1


def test_ids_that_became_floats_are_mended(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id\n1.0,a\n2.0,b\n12.0,a\n")
    config, _ = guess_project(tmp_path / "events.csv")
    reading = checked(read_table(tmp_path / "events.csv"), config)
    assert reading.events["user"].to_list() == ["1", "2", "12"]
    assert [problem.code for problem in reading.report.problems] == ["user-floats"]


TIMES = {
    "s": ("1740830400", "1740830400"),
    "ms": ("1740830400000", "1740830400"),
    "us": ("1740830400000000", "1740830400"),
    "ns": ("1740830400000000000", "1740830400"),
    "iso": ("2025-03-01 12:00:00", "1740830400"),
    "iso with zone": ("2025-03-01T14:00:00+02:00", "1740830400"),
    "iso day": ("2025-03-01", "1740787200"),
    "german": ("01.03.2025 12:00", "1740830400"),
    "american": ("03/31/2025", "1743379200"),
    "compact": ("20250301", "1740787200"),
    "excel": ("45717.5", "1740830400"),
}


@pytest.mark.parametrize("name", TIMES)
def test_times_of_every_spelling(tmp_path: Path, name: str) -> None:
    spelled, seconds = TIMES[name]
    rows = "".join(f"u{i},i{i % 3},{spelled}\n" for i in range(8))
    (tmp_path / "events.csv").write_text("user,item,timestamp\n" + rows)
    config, guesses = guess_project(tmp_path / "events.csv")
    events = checked(read_table(tmp_path / "events.csv"), config).events
    if name == "excel":
        assert config.data.time is None or events["time"].to_list() == [int(seconds) * 1_000_000] * 8
    else:
        assert events["time"].to_list() == [int(seconds) * 1_000_000] * 8, guesses


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        (["userId", "movieId", "rating", "timestamp"], {"user": "userId", "item": "movieId", "value": "rating"}),
        (["visitorid", "event", "itemid", "ts"], {"user": "visitorid", "item": "itemid", "kind": "event"}),
        (
            ["Kundennummer", "Artikelnummer", "Datum"],
            {"user": "Kundennummer", "item": "Artikelnummer", "time": "Datum"},
        ),
        (
            ["reviewerID", "asin", "overall", "unixReviewTime"],
            {"user": "reviewerID", "item": "asin", "value": "overall"},
        ),
        (["CustomerID", "StockCode", "Quantity", "InvoiceDate"], {"user": "CustomerID", "item": "StockCode"}),
        (["id_cliente", "producto", "fecha"], {"user": "id_cliente", "item": "producto", "time": "fecha"}),
        (["c1", "c2"], {"user": "c1", "item": "c2"}),
    ],
)
def test_columns_are_guessed(header: list[str], roles: dict[str, str]) -> None:
    values = {"timestamp": "1740830400", "ts": "1740830400000", "unixReviewTime": "1740830400", "event": "view"}
    dates = dict.fromkeys(("Datum", "InvoiceDate", "fecha"), "2025-03-01")
    numbers = dict.fromkeys(("rating", "overall", "Quantity"), "4")
    filled = {**values, **dates, **numbers}
    frame = pl.DataFrame({name: [filled.get(name, f"{name}{i}") for i in range(30)] for name in header})
    guessed = {guess.role: guess.column for guess in guess_columns(frame)}
    assert {role: guessed[role] for role in roles} == roles


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty|has no rows"),
        (b"user,item\n", "has no rows"),
        (b"just one column\nx\n", "needs a column of users and one of items"),
        (b"\x1f\x8bnot really", "cannot be read"),
    ],
)
def test_hopeless_files_are_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        guess_project(path)


def test_missing_files_and_wrong_columns_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        guess_project(tmp_path / "nothing.csv")
    with pytest.raises(ConfigError, match="foretaste init"):
        load_project(tmp_path)
    (tmp_path / "events.csv").write_text(as_csv(good_rows()), encoding="utf-8")
    config, _ = guess_project(tmp_path / "events.csv")
    path = write_project(tmp_path, config)
    path.write_text(path.read_text().replace('"product"', '"prodct"'))
    with pytest.raises(ConfigError, match="Did you mean 'product'"):
        load_dataset(load_project(tmp_path), tmp_path)
    path.write_text(path.read_text().replace("time_zone", "timezone"))
    with pytest.raises(ConfigError, match=r"foretaste\.toml.*Did you mean 'time_zone'"):
        load_project(tmp_path)
    path.write_text("[data\n")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_project(tmp_path)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_project_file_round_trips_any_name(tmp_path: Path, column: str, word: str) -> None:
    rows = [["u1", "i1"], ["u2", "i2"]]
    (tmp_path / "e.csv").write_text("user,item\n" + "\n".join(",".join(row) for row in rows), encoding="utf-8")
    config, _ = guess_project(tmp_path / "e.csv")
    odd = config.model_copy(
        update={
            "data": config.data.model_copy(update={"events": "e.csv", "user": column, "title": word}),
            "kind_names": {word: "buy"},
        }
    )
    write_project(tmp_path, odd)
    assert load_project(tmp_path) == odd
