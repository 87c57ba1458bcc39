"""Rows that are alike, found by their hashes, are the rows that are alike."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data.checks.duplicates import is_among, shared


@given(st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.integers(0, 3)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_rows_that_are_alike_are_found(rows: list[tuple[str, int]]) -> None:
    frame = pl.DataFrame(rows, schema={"user": pl.String, "time": pl.Int64}, orient="row")
    count, number, again = shared(frame)
    plain = [rows.count(row) > 1 for row in rows]
    assert count == sum(plain)
    assert is_among(number, again).tolist() == plain
