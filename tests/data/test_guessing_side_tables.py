"""What columns mean: days of a spreadsheet, decimal commas, lists as people write them, kinds under many names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from foretaste.data.guessing.event_columns import KIND_SYNONYMS, canonical_kind, guess_columns
from foretaste.data.kinds import USUAL
from foretaste.data.parsing.columns import typed_columns
from foretaste.data.parsing.times import guess_format, to_microseconds
from foretaste.data.project.guess import guess_project, load_dataset

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("spelled", ["{}", "{}.5", "{},5"])
@pytest.mark.parametrize("name", ["date", "Datum", "order_date", "timestamp"])
def test_a_spreadsheets_days_are_times_in_a_column_that_is_called_so(tmp_path: Path, spelled: str, name: str) -> None:
    rows = "".join(f"u{i % 5};i{i % 3};{spelled.format(45_717 + i)}\n" for i in range(30))
    (tmp_path / "e.csv").write_text(f"user;item;{name}\n{rows}")
    config, _ = guess_project(tmp_path / "e.csv")
    assert (config.data.time, config.data.time_format) == (name, "excel")
    data, _ = load_dataset(config, tmp_path)
    assert data.time is not None
    first = datetime(2025, 3, 1, 12 if "5" in spelled else 0, tzinfo=UTC)
    assert int(data.time.min()) == int(first.timestamp() * 1e6)


@pytest.mark.parametrize(
    ("name", "values"), [("day", range(1, 31)), ("time", range(30)), ("position", range(45_000, 45_030))]
)
def test_other_small_numbers_are_no_times(name: str, values: range) -> None:
    frame = pl.DataFrame(
        {"user": [f"u{n}" for n in values], "item": [f"i{n}" for n in values], name: [str(n) for n in values]}
    )
    assert {guess.role: guess.column for guess in guess_columns(frame)}["time"] is None


def test_decimal_commas_in_events_and_in_items(tmp_path: Path) -> None:
    rows = "".join(f"u{i % 5};i{i % 3};{i % 5},5\n" for i in range(30))
    (tmp_path / "e.csv").write_text("Kunde;Artikel;Bewertung\n" + rows)
    (tmp_path / "i.csv").write_text("Artikel;Preis;Stück\ni0;9,90;1,000\ni1;10;2,000\ni2;-1,5;3,000\n")
    config, _ = guess_project(tmp_path / "e.csv", tmp_path / "i.csv")
    data, report = load_dataset(config, tmp_path)
    assert config.data.value == "Bewertung"
    assert sorted(set(data.value.tolist())) == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert "value-unreadable" not in {problem.code for problem in report.problems}
    by_item = dict(zip(data.items.ids.names, data.items.frame["Preis"], strict=True))
    assert by_item == {"i0": 9.9, "i1": 10.0, "i2": -1.5}
    assert data.items.frame["Stück"].dtype == pl.String, "1,000 may be one or a thousand"


LISTS = {
    "bars": ["Action|War", "Drama", None],
    "semicolons": ["Action;War", "Drama", ""],
    "json": ['["Action", "War"]', '["Drama"]', None],
    "python": ["['Action', 'War']", "['Drama']", None],
    "tuples": ["('Action', 'War')", "('Drama',)", None],
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_as_people_write_them(name: str) -> None:
    frame = typed_columns(pl.DataFrame({"genres": LISTS[name]}, schema={"genres": pl.String}))
    assert frame["genres"].to_list() == [["Action", "War"], ["Drama"], None]


def test_commas_make_a_list_of_few_words_and_not_of_a_sentence() -> None:
    genres = ["Action, War, Drama", "War, Drama", "Drama", "Action, Drama"] * 20
    prose = [f"A tale, told {n} times, of a sailor, and of number {n * 7}" for n in range(80)]
    names = [f"Doe {n}, Jane" for n in range(80)]
    frame = typed_columns(pl.DataFrame({"genres": genres, "prose": prose, "names": names}))
    assert frame["genres"].head(2).to_list() == [["Action", "War", "Drama"], ["War", "Drama"]]
    assert (frame["prose"].dtype, frame["names"].dtype) == (pl.String, pl.String)


def test_what_looks_like_a_program_stays_text() -> None:
    odd = ["[__import__('os').getcwd()]", "[1, 2", "[open('x')]"]
    assert typed_columns(pl.DataFrame({"a": odd}))["a"].to_list() == odd


KINDS = {
    "view": ["view", "page_view", "view_item", "PV", "browse"],
    "click": ["click", "Clicked", "select_item"],
    "cart": ["add_to_cart", "addtocart", "AddToBasket"],
    "buy": ["purchase", "transaction", "order", "gekauft"],
    "like": ["like", "thumbs_up", "upvote"],
    "favourite": ["fav", "add_to_wishlist", "bookmark"],
    "share": ["share", "shared", "retweet"],
    "comment": ["comment", "commented", "reply"],
    "watch": ["watch", "played", "watch_time"],
    "listen": ["listen", "scrobble"],
    "dislike": ["dislike", "thumbs-down", "not_interested", "hide"],
    "skip": ["skip", "skipped"],
    "search": ["search", "searched"],
}


def test_kinds_are_known_by_many_names_and_have_a_meaning(tmp_path: Path) -> None:
    words = [(word, kind) for kind, names in KINDS.items() for word in names]
    assert {word: canonical_kind(word) for word, _ in words} == dict(words)
    assert set(KIND_SYNONYMS) <= set(USUAL)
    everything = [word for names in KIND_SYNONYMS.values() for word in names]
    assert len(everything) == len(set(everything)), "no word means two kinds"
    (tmp_path / "e.csv").write_text(
        "user,item,action\n" + "".join(f"u{i % 7},i{i % 5},{words[i % len(words)][0]}\n" for i in range(200))
    )
    config, _ = guess_project(tmp_path / "e.csv")
    data, _ = load_dataset(config, tmp_path)
    assert set(data.kinds.names) == set(KINDS)
    weight = dict(zip(data.kinds.names, data.kinds.weights.tolist(), strict=True))
    assert weight["dislike"] < 0
    assert weight["skip"] < 0
    assert weight["share"] > weight["view"] > 0
    assert not data.kinds.hides[data.kinds.code("view")]


@pytest.mark.parametrize(
    ("column", "kind"),
    [("watch_time", "watch"), ("WatchSeconds", "watch"), ("play_count", "listen"), ("stars", "rating"), ("qty", None)],
)
def test_a_log_without_kinds_is_of_the_kind_its_values_say(tmp_path: Path, column: str, kind: str | None) -> None:
    rows = "".join(f"u{i % 5},v{i % 3},{10 + i}\n" for i in range(30))
    (tmp_path / "e.csv").write_text(f"user_id,video_id,{column}\n{rows}")
    config, _ = guess_project(tmp_path / "e.csv")
    assert config.data.value == column
    assert config.data.default_kind == (kind or "interaction")


def test_times_with_an_offset_of_whole_hours() -> None:
    spelled = ["2026-01-05 21:22:00+00", "2026-01-05T23:22:00+02", "2026-01-05 16:22:00-0500", "2026-01-05 16:22-05"]
    assert guess_format(spelled) == ("iso", 1.0)
    moment = int(datetime(2026, 1, 5, 21, 22, tzinfo=UTC).timestamp() * 1e6)
    assert to_microseconds(pl.Series(spelled), "iso").to_list() == [moment] * 4
