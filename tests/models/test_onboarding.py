"""The first questions to a new person: worlds in which the best ones are known."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.errors import DataError
from foretaste.models.content.onboarding import (
    history_of_labels,
    items_to_pick_from,
    labels_to_pick_from,
    popularity_of,
)
from foretaste.models.linear.ease import Ease
from foretaste.types import Queries, Run


def islands(sizes: tuple[int, ...]) -> np.ndarray:
    """Items on islands that have nothing in common, one direction each."""
    return np.repeat(np.eye(len(sizes), dtype=np.float32), sizes, axis=0)


def test_one_pick_for_each_part_of_the_catalogue() -> None:
    vectors = islands((30, 20, 10))
    popularity = np.linspace(60, 1, 60).astype(np.float32)
    picks = items_to_pick_from(popularity, vectors, 3)
    assert vectors[picks].argmax(axis=1).tolist() == [0, 1, 2], "the most taken island first"
    assert picks.tolist() == [0, 30, 50], "and of each the best known item"


def test_nobody_is_asked_about_the_unknown_and_the_forbidden() -> None:
    vectors = islands((3, 3))
    vectors[0] = 0
    popularity = np.array([9, 5, 4, 3, 0, 2], np.float32)
    allowed = np.array([True, False, True, True, True, True])
    picks = items_to_pick_from(popularity, vectors, 9, allowed)
    assert sorted(picks.tolist()) == [2, 3, 5]
    assert items_to_pick_from(np.zeros(6, np.float32), vectors, 3).tolist() == []


def test_greedy_is_the_plain_best_next() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    popularity = rng.integers(1, 50, 40).astype(np.float32)
    picks = items_to_pick_from(popularity, vectors, 4).tolist()
    plain: list[int] = []
    for _ in range(4):

        def worth(i: int) -> float:
            chosen = [*plain, i]
            return sum(popularity[j] * max(0.0, *(float(vectors[c] @ vectors[j]) for c in chosen)) for j in range(40))

        plain.append(max((i for i in range(40) if i not in plain), key=worth))
    assert picks == plain


def test_labels_that_split_best() -> None:
    """Eight items: 'all' and 'rare' say little, 'half' and 'other half' say the same, 'quarter' cuts across."""
    labels = [
        ["all", "half", "cross"],
        ["all", "half", "cross"],
        ["all", "half"],
        ["all", "half", "rare"],
        ["all", "other half", "cross"],
        ["all", "other half", "cross"],
        ["all", "other half"],
        None,
    ]
    chosen = labels_to_pick_from(labels, 10)
    assert set(chosen[:2]) in ({"half", "cross"}, {"other half", "cross"})
    assert len(chosen) == 4, "the fifth label would tell nothing new"
    assert labels_to_pick_from([["x"], ["x"]], 3) == [], "what everything has asks nothing"


def test_popularity_counts() -> None:
    labels = [["a"], ["a"], ["a"], ["b"], ["b"], ["c"]]
    loved = np.array([1, 1, 1, 1, 1, 95], np.float32)
    assert labels_to_pick_from(labels, 1) == ["a"]
    assert labels_to_pick_from(labels, 1, loved) == ["c"]


def test_a_person_of_chosen_labels_is_answered_like_one_with_a_history() -> None:
    train = worlds.parity()
    labels = [
        ["even" if parity == 0 else "odd", "thing"] for parity in worlds.parity_of(train, np.arange(train.n_items))
    ]
    history = history_of_labels(["even"], labels, popularity_of(train))
    assert 1 <= len(history) <= 3
    found = Ease().fit(train, Run()).recommend(Queries.guests([history]), 5).items[0]
    assert (worlds.parity_of(train, found) == 0).all()
    with pytest.raises(DataError, match="No item has the label 'uneven'"):
        history_of_labels(["uneven"], labels, popularity_of(train))
