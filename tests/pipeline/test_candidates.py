"""Candidates treat every column alike, whatever is done with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.pipeline.merge import filled
from foretaste.types import NO_ITEM, Candidates

ROWS = st.lists(st.lists(st.integers(0, 20), max_size=6, unique=True), min_size=2, max_size=2)


def _candidates(rows: list[list[int]], source: str, *columns: str) -> Candidates:
    items = np.full((len(rows), 6), NO_ITEM, np.int32)
    for b, row in enumerate(rows):
        items[b, : len(row)] = row
    here = items != NO_ITEM
    scores = np.where(here, 10.0 - np.arange(6), np.nan).astype(np.float32)
    made: dict[str, Any] = {
        "float": np.where(here, items / 2, np.nan),
        "int": np.where(here, items, NO_ITEM),
        "bool": here & (items % 2 == 0),
        "text": np.where(here, items.astype("U4"), ""),
        "wide": np.where(here[:, :, None], np.stack([items, items + 1], axis=2).astype(np.float32), np.nan),
    }
    found = Candidates.of_one_source(items, scores, source)
    return replace(found, columns={name: made[name] for name in columns})


ALL = ("float", "int", "bool", "text", "wide")


def _checked(candidates: Candidates) -> None:
    """Every column says of its item what was written of it, and is blank where there is none."""
    for b, row in enumerate(candidates.items.tolist()):
        for j, item in enumerate(row):
            at = {name: column[b, j] for name, column in candidates.columns.items()}
            if item == NO_ITEM:
                assert np.isnan(at["float"])
                assert at["int"] == NO_ITEM
                assert not at["bool"]
                assert at["text"] == ""
                assert np.isnan(at["wide"]).all()
            else:
                assert at["float"] == item / 2
                assert at["int"] == item
                assert at["bool"] == (item % 2 == 0)
                assert at["text"] == str(item)
                assert at["wide"].tolist() == [item, item + 1]
            if item == NO_ITEM:
                assert np.isnan(candidates.scores[b, j])
                assert np.isnan(candidates.found_by[b, j]).all()
                assert (candidates.ranks[b, j] == 0).all()


@settings(deadline=None)
@given(ROWS, st.integers(2, 4))
def test_keeping_and_reordering_take_every_column_along(rows: list[list[int]], modulus: int) -> None:
    candidates = _candidates(rows, "one", *ALL)
    kept = candidates.keep(candidates.items % modulus == 0)
    _checked(kept)
    assert [[i for i in row if i >= 0] for row in kept.items.tolist()] == [
        [i for i in row if i % modulus == 0] for row in rows
    ]
    turned = candidates.reorder(np.tile(np.arange(5, -1, -1), (2, 1)))
    _checked(turned)
    _checked(candidates.head(3))
    _checked(candidates.with_scores(candidates.items.astype(np.float32)))


@settings(deadline=None)
@given(ROWS, ROWS)
def test_what_is_appended_keeps_ranks_scores_and_columns_of_both(a: list[list[int]], b: list[list[int]]) -> None:
    one, other = _candidates(a, "one", *ALL), _candidates(b, "two")
    both = one.append(other)
    assert both.sources == ("one", "two")
    for row in range(2):
        listed = [item for item in both.items[row].tolist() if item >= 0]
        assert listed == a[row] + b[row]
        for j in range(len(listed)):
            rank = both.ranks[row, j].tolist()
            assert rank == ([j + 1, 0] if j < len(a[row]) else [0, j + 1 - len(a[row])])
    mine = one.append(_candidates([[], []], "two"))
    _checked(mine)
    _checked(_candidates([[], []], "two").append(one))


@settings(deadline=None)
@given(ROWS, ROWS)
def test_a_column_survives_the_fallback(a: list[list[int]], b: list[list[int]]) -> None:
    """`filled` kept the ranks alone, and what a stage had added was gone."""
    ranked = _candidates(a, "one", *ALL)
    both = filled(ranked, _candidates(b, "popular"))
    assert set(both.columns) == set(ALL)
    for row in range(2):
        listed = [item for item in both.items[row].tolist() if item >= 0]
        assert listed == a[row] + [item for item in b[row] if item not in a[row]]
        for j, item in enumerate(listed):
            known = item in a[row]
            assert both.columns["int"][row, j] == (item if known else NO_ITEM)
            assert np.isnan(both.columns["float"][row, j]) != known


def test_sources_of_one_name_are_one_source() -> None:
    both = _candidates([[1], [2]], "popular").append(_candidates([[3], [4]], "popular"))
    assert both.sources == ("popular",)
    assert both.ranks[0, :2, 0].tolist() == [1, 1]
