"""Onboarding by labels: worlds with a known best choice, and a plain reference implementation."""

from __future__ import annotations

from itertools import count

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import DataError
from foretaste.models.content.labels import Labels, column_of_labels
from foretaste.models.content.onboarding import popularity_of
from foretaste.models.linear.ease import Ease
from foretaste.types import Queries, Run

EIGHT = [
    ["all", "half", "cross"],
    ["all", "half", "cross"],
    ["all", "half"],
    ["all", "half", "rare"],
    ["all", "other half", "cross"],
    ["all", "other half", "cross"],
    ["all", "other half"],
    None,
]


def labels_of(lists: list, popularity: np.ndarray | None = None) -> Labels:
    everything_alike = np.ones(len(lists), np.float32)
    return Labels.of(pl.Series(lists, dtype=pl.List(pl.String)), everything_alike if popularity is None else popularity)


def test_labels_that_split_best() -> None:
    """'all' and 'rare' say little, 'half' and 'other half' say the same, 'cross' cuts across."""
    chosen = labels_of(EIGHT).most_informative(10)[0]
    assert set(chosen[:2]) in ({"half", "cross"}, {"other half", "cross"})
    assert len(chosen) == 4, "the fifth label would tell nothing new"
    assert labels_of([["x"], ["x"]]).most_informative(3)[0] == [], "what everything has asks nothing"
    assert labels_of([None, []]).most_informative(3)[0] == []


def test_common_labels() -> None:
    column = Labels.of(pl.Series([["a", "x"], ["b", "x"], ["b", "x"]]), np.array([1, 2, 0], np.float32))
    assert column.common(5) == ["b", "a"], "by how much is taken, and nothing that all has"
    assert column.common(1, ["b"]) == ["a"]
    assert column.common(0) == []


def test_popularity_counts() -> None:
    labels = [["a"], ["a"], ["a"], ["b"], ["b"], ["c"]]
    loved = np.array([1, 1, 1, 1, 1, 95], np.float32)
    assert labels_of(labels).most_informative(1)[0] == ["a"]
    assert labels_of(labels, loved).most_informative(1)[0] == ["c"]


def some_labels(seed: int) -> tuple[list[list[str]], np.ndarray]:
    rng = np.random.default_rng(seed)
    lists = [[f"l{label}" for label in np.flatnonzero(rng.random(6) < 0.3)] for _ in range(40)]
    return lists, rng.integers(0, 20, 40).astype(np.float32)


def plain_bits(lists: list[list[str]], popularity: np.ndarray, chosen: list[str]) -> float:
    mass: dict[tuple[bool, ...], float] = {}
    for named, weight in zip(lists, popularity / popularity.sum(), strict=True):
        part = tuple(label in named for label in chosen)
        mass[part] = mass.get(part, 0) + weight
    return -sum(m * np.log2(m) for m in mass.values() if m > 0)


@pytest.mark.parametrize("seed", range(5))
def test_each_label_is_the_plain_best_next_and_the_row_goes_on_from_those_chosen(seed: int) -> None:
    lists, popularity = some_labels(seed)
    found = labels_of(lists, popularity).most_informative(4)[0]
    names = sorted({label for named in lists for label in named})
    for i in range(4):
        before = found[:i]
        best = max(plain_bits(lists, popularity, [*before, name]) for name in names)
        assert plain_bits(lists, popularity, found[: i + 1]) == pytest.approx(best)
    column = labels_of(lists, popularity)
    further, bits = column.most_informative(2, found[:2])
    assert further == found[2:4]
    assert bits == pytest.approx(plain_bits(lists, popularity, found))


@pytest.mark.parametrize("seed", range(5))
def test_what_stands_for_a_label_is_found_as_by_looking_at_every_item(seed: int) -> None:
    lists, popularity = some_labels(seed)
    chosen = ["l1", "l4", "l1"]
    found: list[int] = []
    for label in dict.fromkeys(chosen):
        carrying = [item for item, named in enumerate(lists) if label in named]
        carrying.sort(key=lambda item: (-len({"l1", "l4"} & set(lists[item])), -popularity[item], item))
        found += carrying[:3]
    assert labels_of(lists, popularity).stand_in_items(chosen)[0].tolist() == list(dict.fromkeys(found))[::-1]


def test_each_stands_for_the_label_it_was_found_by_and_the_forbidden_for_none() -> None:
    column = Labels.of(pl.Series([["a"], ["a", "b"], ["b"], None]), np.array([5, 1, 3, 9], np.float32))
    items, labels = column.stand_in_items(["a", "b"], 1)
    assert (items.tolist(), labels) == ([1], [["a", "b"]]), "which has both"
    items, labels = column.stand_in_items(["a", "b"], 1, np.array([True, False, True, True]))
    assert labels == [["b"], ["a"]]
    assert items.tolist() == [2, 0], "the first label's last"
    assert column.stand_in_items(["a"], 1, np.zeros(4, bool))[0].tolist() == []


def test_a_person_of_chosen_labels_is_answered_like_one_with_a_history() -> None:
    train = worlds.parity()
    labels = [
        ["even" if parity == 0 else "odd", "thing"] for parity in worlds.parity_of(train, np.arange(train.n_items))
    ]
    history = labels_of(labels, popularity_of(train)).stand_in_items(["even"])[0]
    assert 1 <= len(history) <= 3
    found = Ease().fit(train, Run()).recommend(Queries.guests([history]), 5).items[0]
    assert (worlds.parity_of(train, found) == 0).all()
    with pytest.raises(DataError, match=r"No item has the label 'evn'\. Did you mean 'even'\?"):
        labels_of(labels, popularity_of(train)).stand_in_items(["evn"])


def table(**columns: object) -> ItemTable:
    frame = pl.DataFrame(columns)
    return ItemTable(IdMap([f"i{i}" for i in range(len(frame))]), frame, "title")


def test_the_column_whose_labels_people_can_like() -> None:
    n = count()
    items = table(
        title=[f"Film {next(n)}" for _ in range(8)],
        genres=["Drama|War", "Drama", "Comedy", "Comedy | War", "Drama", None, "Comedy|Romance", "War"],
        shelf=["left", "right"] * 4,
        year=["1990", "1991"] * 4,
        poster=["https://a.example/1.jpg", "https://a.example/2.jpg"] * 4,
        stars=[1.0, 2.0] * 4,
        sold=[True, False] * 4,
    )
    ones = np.ones(8, np.float32)
    found = column_of_labels(items, ones)
    assert found is not None
    assert found[0] == "genres", "columns of several labels before those of one"
    assert found[1].names == ["Comedy", "Drama", "Romance", "War"], "parted, and without spaces"
    found = column_of_labels(table(**{name: items.frame[name] for name in ("title", "shelf", "year")}), ones)
    assert found is not None
    assert found[0] == "shelf", "nobody likes 1990"
    assert column_of_labels(table(title=items.frame["title"], year=items.frame["year"]), ones) is None
    alike = items.frame.select("title", "shelf", genres=pl.lit(["Drama"]))
    found = column_of_labels(ItemTable(items.ids, alike, "title"), ones)
    assert found is not None
    assert found[0] == "shelf", "what all have splits nothing"
    found = column_of_labels(ItemTable(items.ids, alike.drop("shelf"), "title"), ones)
    assert found is not None
    assert found[0] == "genres", "but one may say one likes it"
    named = column_of_labels(items, ones, "year")
    assert named is not None
    assert named[1].names == ["1990", "1991"]
    with pytest.raises(DataError, match=r"The catalogue has no column 'genre'\. It has: title, genres"):
        column_of_labels(items, ones, "genre")
