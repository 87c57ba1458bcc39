"""From a frame to arrays: sorted, typed, refused where it makes no sense."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data.dataset import Dataset
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.data.kinds import EventKind, Kinds
from foretaste.errors import DataError
from foretaste.types import Candidates, History, Queries, Ragged


def test_events_are_sorted_by_user_and_time_and_ties_keep_their_order() -> None:
    frame = pl.DataFrame({"user": list("babab"), "item": list("vwxyz"), "time": [3, 5, 1, 5, 3]})
    data = Dataset.from_frame(frame)
    histories = {data.users.name(u): data.items.ids.names_of(data.histories().row(u)) for u in range(data.n_users)}
    assert histories == {"a": ["w", "y"], "b": ["x", "v", "z"]}
    assert data.position.tolist() in ([0, 1, 0, 1, 2], [0, 1, 2, 0, 1])


def test_times_become_utc_microseconds() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    frame = pl.DataFrame({"user": ["a"], "item": ["b"], "time": [noon]}).with_columns(
        pl.col("time").dt.convert_time_zone("Asia/Tokyo")
    )
    assert Dataset.from_frame(frame).time.tolist() == [int(noon.timestamp() * 1e6)]
    assert Dataset.from_frame(frame.drop("time")).time is None
    with pytest.raises(DataError, match="have no time"):
        Dataset.from_frame(pl.DataFrame({"user": ["a", "a"], "item": ["b", "c"], "time": [1, None]}))
    with pytest.raises(DataError, match="date-time"):
        Dataset.from_frame(pl.DataFrame({"user": ["a"], "item": ["b"], "time": ["noon"]}))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match=r"no column 'item'.*user, thing"):
        Dataset.from_frame(pl.DataFrame({"user": ["a"], "thing": ["b"]}))


def test_items_nobody_touched_are_in_the_catalogue() -> None:
    items = pl.DataFrame({"item": ["x", "y"], "title": ["Ex", None], "tags": [["a", "b"], None]})
    data = Dataset.from_frame(pl.DataFrame({"user": ["a"], "item": ["z"]}), items)
    assert data.n_items == 3
    by_name = dict(zip(data.items.ids.names, zip(data.items.titles(), data.items.texts(), strict=True), strict=True))
    assert by_name == {"x": ("Ex", "Ex. tags: a, b"), "y": ("y", ""), "z": ("z", "")}


def test_what_is_empty_says_nothing_and_names_can_be_left_out() -> None:
    items = pl.DataFrame(
        {
            "item": ["x", "y", "z"],
            "title": ["Ex", "Why", None],
            "genres": [["Drama", None, "War"], [], [None]],
            "brand": ["AT&amp;T", "", "  "],
        }
    )
    table = Dataset.from_frame(pl.DataFrame({"user": ["a"], "item": ["x"]}), items).items
    codes = [table.ids.code(name) for name in "xyz"]

    def read(**asked: object) -> list[str]:
        return np.array(table.texts(**asked))[codes].tolist()

    assert read() == ["Ex. genres: Drama, War. brand: AT&amp;T", "Why", ""], "as it is written, markup and all"
    assert read(named=False) == ["Ex. Drama, War. AT&amp;T", "Why", ""]
    assert read(pieces=["by {brand}", "genres"]) == ["by AT&amp;T. genres: Drama, War", "", ""]


def test_the_fingerprint_knows_every_change() -> None:
    base = pl.DataFrame({"user": ["a", "b"], "item": ["x", "y"], "time": [1, 2], "value": [1.0, 2.0]})
    seen = {Dataset.from_frame(base).fingerprint}
    for change in (
        base.with_columns(time=pl.Series([1, 3])),
        base.with_columns(value=pl.Series([1.0, 3.0])),
        base.with_columns(item=pl.Series(["x", "z"])),
        base.with_columns(kind=pl.lit("buy")),
    ):
        fingerprint = Dataset.from_frame(change).fingerprint
        assert fingerprint not in seen
        seen.add(fingerprint)
    assert Dataset.from_frame(base.reverse()).fingerprint in seen


def test_a_dislike_takes_back_what_a_click_gave() -> None:
    kinds = Kinds([EventKind(name="click"), EventKind(name="dislike", sign=-1, weight=2)])
    frame = pl.DataFrame(
        {"user": ["a"] * 4, "item": ["x", "y", "x", "y"], "kind": ["click", "click", "dislike", "click"]}
    )
    data = Dataset.from_frame(frame, kinds=kinds)
    wanted = data.matrix().toarray()[0]
    assert wanted[data.items.ids.code("x")] == 0
    assert wanted[data.items.ids.code("y")] == 1
    assert len(data.items.ids.names_of(data.item)) == 4, "building the matrix left the events alone"
    assert data.matrix().nnz == 1


@given(st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), max_size=8), max_size=5))
def test_the_matrix_is_what_it_says(rows: list[list[tuple[int, int]]]) -> None:
    weights = np.array([1.0, -2.0], np.float32)
    flat = History.of_items([[item for item, _ in row] for row in rows])
    kind = np.array([kind for row in rows for _, kind in row], np.uint8)
    history = History(flat.items, flat.offsets, None, kind, flat.value)
    matrix = interaction_matrix(history, 7, weights).toarray()
    for b, row in enumerate(rows):
        for item in range(7):
            balance = sum(weights[k] for i, k in row if i == item)
            assert matrix[b, item] == (1 if balance > 0 else 0)


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=6), st.data())
def test_ragged_rows_survive_taking_and_filtering(rows: list[list[int]], data) -> None:
    ragged = Ragged.from_rows(rows)
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    taken = ragged.take(np.array(chosen, np.int64))
    assert [taken.row(b).tolist() for b in range(len(taken))] == [rows[i] for i in chosen]
    kept = ragged.where(ragged.items % 2 == 0)
    assert [kept.row(b).tolist() for b in range(len(kept))] == [[i for i in row if i % 2 == 0] for row in rows]
    asked = Queries.guests(rows).take(np.array(chosen, np.int64))
    assert [asked.history.row(b).tolist() for b in range(len(asked))] == [rows[i] for i in chosen]


def test_keeping_candidates_moves_them_left() -> None:
    items = np.array([[3, 1, 2, -1]], np.int32)
    found = Candidates.of_one_source(items, np.array([[0.9, 0.5, 0.1, np.nan]], np.float32), "x")
    kept = found.keep(np.array([[True, False, True, True]]))
    assert kept.items.tolist() == [[3, 2, -1, -1]]
    np.testing.assert_array_equal(kept.scores, np.array([[0.9, 0.1, np.nan, np.nan]], np.float32))
    assert np.isnan(kept.found_by[0, 2:, 0]).all()


def test_a_frame_of_another_library_is_sent_to_read() -> None:
    with pytest.raises(DataError, match=r"takes a frame of polars, .* dict; foretaste\.read takes any"):
        Dataset.from_frame({"user": ["a"], "item": ["b"]})
