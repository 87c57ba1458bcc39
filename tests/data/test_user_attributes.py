"""What was put of people one by one, beside the file of people: what training reads of them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from foretaste.data.project.user_attributes import overlay_user_attributes

USERS = pl.Series(["ann", "bob", "cat"])
FILE = pl.DataFrame(
    {"user": ["bob", "ann"], "age": [40, 30], "since": [date(2020, 1, 1), None], "town": ["Ely", "York"]}
)


def test_what_was_told_counts_before_the_file_and_column_by_column() -> None:
    found = overlay_user_attributes(
        FILE, USERS, {"ann": {"age": 31, "paying": True}, "cat": {"town": "Bath"}, "stranger": {"age": 1}}
    )
    assert found is not None
    assert found.to_dict(as_series=False) == {
        "user": ["ann", "bob", "cat"],
        "age": [31, 40, None],
        "since": [None, date(2020, 1, 1), None],
        "town": ["York", "Ely", "Bath"],
        "paying": [True, None, None],
    }


def test_columns_of_the_file_keep_their_types() -> None:
    found = overlay_user_attributes(
        FILE, USERS, {"ann": {"age": "32", "since": "2021-05-06", "town": 7}, "bob": {"age": "old"}}
    )
    assert found is not None
    assert found.schema == overlay_user_attributes(FILE, USERS, {}).schema
    assert found["age"].to_list() == [32, 40, None]
    assert found["since"].to_list() == [date(2021, 5, 6), date(2020, 1, 1), None]
    assert found["town"].to_list() == ["7", "Ely", None]
    paying = overlay_user_attributes(
        FILE.with_columns(paying=True), USERS, {"ann": {"paying": "false"}, "cat": {"paying": 1}}
    )
    assert paying is not None
    assert paying["paying"].to_list() == [False, True, None]


@pytest.mark.parametrize(
    ("values", "becomes"),
    [
        ([1, 2, None], [1, 2, None]),
        ([1, 2.5, None], [1.0, 2.5, None]),
        ([10**400, 2, 3], [None, 2.0, 3.0]),
        ([True, None, False], [True, None, False]),
        ([True, 1, "x"], ["true", "1", "x"]),
        (["a", ["b", 1], []], [["a"], ["b", "1"], []]),
        ([{"deep": 1}, None, "y"], [None, None, "y"]),
        ([{}, None, {}], [None, None, None]),
    ],
)
def test_any_json_becomes_a_column(values: list[object], becomes: list[object]) -> None:
    found = overlay_user_attributes(
        None, USERS, {user: {"it": value} for user, value in zip(USERS, values, strict=True)}
    )
    assert found is not None
    assert found["it"].to_list() == becomes


def test_of_nobody_known_there_is_no_table() -> None:
    assert overlay_user_attributes(None, USERS, {}) is None
    assert overlay_user_attributes(None, USERS, {"stranger": {"age": 3}}) is None
    assert overlay_user_attributes(FILE, USERS, {}).width == 4
