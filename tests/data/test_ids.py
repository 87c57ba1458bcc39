"""Names in, codes inside, the same names out."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data.ids import IdMap

NAMES = st.lists(st.text(min_size=1, max_size=12).filter(lambda s: s.isprintable()), max_size=30)


@given(NAMES)
def test_round_trip(names: list[str]) -> None:
    ids = IdMap.of(names)
    assert len(ids) == len(set(names))
    assert ids.names_of(ids.codes(names)) == names
    assert ids.names_of(ids.codes(pl.Series("x", names, dtype=pl.String))) == names


@given(NAMES, st.randoms())
def test_codes_do_not_depend_on_the_order_of_appearance(names: list[str], random) -> None:
    shuffled = names.copy()
    random.shuffle(shuffled)
    assert IdMap.of(names).names.to_list() == IdMap.of(shuffled).names.to_list()


@given(NAMES, NAMES)
def test_an_extension_keeps_every_code_and_is_accepted(first: list[str], second: list[str]) -> None:
    before = IdMap.of(first)
    after = before.extended(second)
    assert after.names.to_list()[: len(before)] == before.names.to_list()
    assert set(after.names) == set(first) | set(second)
    assert after.fingerprint(len(before)) == before.fingerprint()


def test_unusual_ids_stay_what_they_are() -> None:
    names = ["007", "7", " 7", "7.0", "Ünï", "3b241101-e2bb-4255-8caf-4136c566a962", "a\tb", "𝄞"]
    ids = IdMap.of(names)
    assert sorted(ids.names) == sorted(names)
    assert ids.code("8") is None
    assert "007" in ids
    assert "8" not in ids


def test_unknown_names_get_the_code_asked_for() -> None:
    assert IdMap.of(["a"]).codes(["a", "b"]).tolist() == [0, -1]
    assert IdMap.of(["a"]).codes(pl.Series(["b", "a"]), unknown=-7).tolist() == [-7, 0]


def test_codes_are_not_alphabetical() -> None:
    """A tie broken by code must not favour names that sort first, or were numbered first."""
    names = [str(n) for n in range(1000)]
    order = [int(name) for name in IdMap.of(names).names]
    first_half = sum(n < 500 for n in order[:500])
    assert 200 < first_half < 300


def test_ids_that_are_numbers_are_found_as_they_came() -> None:
    ids = IdMap.of(["7", "8", "10"])
    series = ids.codes(pl.Series([10, 7, 9]))
    assert ids.codes([10, 7, 9]).tolist() == ids.codes(np.array([10, 7, 9])).tolist() == series.tolist()
    assert series.tolist() == [*ids.codes(["10", "7"]), -1]
    assert 10 in ids
    assert 9 not in ids
    assert ids.code(10) == ids.code("10")
