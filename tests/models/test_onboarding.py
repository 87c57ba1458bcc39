"""Onboarding by items: worlds with a known best choice, and a plain reference implementation."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import worlds
from foretaste.models.content.onboarding import ItemPicker, OnboardingConfig, popularity_of
from foretaste.models.linear.ease import Ease
from foretaste.models.neighbours.itemknn import ItemKNN
from foretaste.types import FloatArray, IntArray, Queries, Run


class Island:
    """Says 1 of what lies on the island of the one thing somebody took, in whatever unit."""

    def __init__(self, island: np.ndarray, unit: float = 1.0) -> None:
        self.island, self.unit = island, unit

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        taken = self.island[queries.history.items][:, None]
        return np.where(taken == self.island[items], self.unit, np.nan).astype(np.float32)


TWENTY = np.arange(100) % 20
"""Twenty islands of five items."""
EVEN = np.full(100, 50, np.float32)
ALONE = OnboardingConfig(breadth=1.0)
"""Coverage counts in full."""


def islands_of(items: IntArray) -> list[int]:
    return TWENTY[items].tolist()


def test_one_pick_for_each_part_of_the_catalogue() -> None:
    popularity = EVEN + np.linspace(1, 0, 100, dtype=np.float32)
    picks = ItemPicker.of([Island(TWENTY)], popularity, 100, config=ALONE).pick(20)
    assert sorted(islands_of(picks)) == list(range(20))
    assert sorted(picks.tolist()) == list(range(20)), "and of each the best known item"


def test_what_hardly_anybody_knows_is_not_asked() -> None:
    popularity = EVEN.copy()
    popularity[TWENTY >= 10] = 1
    picks = ItemPicker.of([Island(TWENTY)], popularity, 100).pick(12)
    assert max(islands_of(picks)) < 10
    assert len(set(islands_of(picks[:10]))) == 10


def test_after_a_choice_what_is_alike_is_known_better_and_tells_less() -> None:
    eager = OnboardingConfig(breadth=0.0, carries=0.5)
    picker = ItemPicker.of([Island(TWENTY)], EVEN, 100, config=eager)
    picks = picker.pick(4, chosen=np.array([7], np.int32))
    assert islands_of(picks) == [7] * 4, "who chose one item of an island knows the others"
    assert 7 not in picks
    curious = ItemPicker.of([Island(TWENTY)], EVEN, 100, config=OnboardingConfig(breadth=1.0, carries=0.0))
    assert 7 not in islands_of(curious.pick(19, chosen=np.array([7], np.int32)))


def test_who_passes_over_an_item_is_asked_less_about_its_like() -> None:
    warned = OnboardingConfig(breadth=0.0, passed=0.5)
    picker = ItemPicker.of([Island(TWENTY)], EVEN, 100, config=warned)
    picks = picker.pick(95, passed=np.array([3], np.int32))
    assert 3 not in picks
    assert 3 not in islands_of(picks)
    assert 3 in islands_of(picker.pick(96, passed=np.array([3], np.int32))), "but they come at the end"


def test_what_stands_for_a_label_counts_as_chosen_and_may_be_shown() -> None:
    eager = ItemPicker.of([Island(TWENTY)], EVEN, 100, config=OnboardingConfig(breadth=0.0, carries=0.5))
    picks = eager.pick(5, liked=np.array([7], np.int32))
    assert islands_of(picks) == [7] * 5
    assert 7 in picks


def test_unpopular_and_hidden_items_are_never_picked() -> None:
    popularity = np.array([9, 5, 4, 3, 0, 2], np.float32)
    allowed = np.array([True, False, True, True, True, True])
    for models in ([Island(np.arange(6) // 3)], []):
        picker = ItemPicker.of(models, popularity, 10, allowed)
        assert sorted(picker.pick(9).tolist()) == [0, 2, 3, 5]
        assert sorted(picker.pick(9, chosen=np.array([2, 4], np.int32), passed=np.array([0], np.int32))) == [3, 5]
        assert picker.pick(9, allowed=np.zeros(6, bool)).tolist() == []
        assert picker.pick(0).tolist() == []
        assert ItemPicker.of(models, np.zeros(6, np.float32), 0).pick(3).tolist() == []


def test_without_models_it_is_what_is_popular() -> None:
    popularity = np.array([1, 5, 4, 9], np.float32)
    assert ItemPicker.of([], popularity, 10).pick(3).tolist() == [3, 1, 2]


def test_the_unit_of_a_model_does_not_matter() -> None:
    popularity = EVEN + np.linspace(1, 0, 100, dtype=np.float32)
    one = ItemPicker.of([Island(TWENTY)], popularity, 100).pick(12)
    other = ItemPicker.of([Island(TWENTY, 1e4)], popularity, 100).pick(12)
    assert one.tolist() == other.tolist()


def test_what_was_taken_more_often_than_there_are_people_is_known_to_all_and_the_rest_to_some() -> None:
    plays = np.array([1000, 500, 10, 5], np.float32)
    picker = ItemPicker.of([Island(np.arange(4))], plays, 10)
    assert picker.known.tolist() == pytest.approx([1, 0.5, 0.01, 0.005])


def test_models_are_asked_by_an_event_that_is_wanted() -> None:
    kinds: list[int] = []

    class Listening(Island):
        def score(self, queries: Queries, items: IntArray) -> FloatArray:
            kinds.extend(queries.history.kind.tolist())
            return super().score(queries, items)

    picker = ItemPicker.of([Listening(TWENTY)], EVEN, 100, kind=2, config=OnboardingConfig(well_known=5))
    picker.pick(3, chosen=np.array([99], np.int32))
    assert set(kinds) == {2}
    assert len(kinds) == 5 + 5 + 1, "what was compared before is not asked again"


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_plain_best_next_also_after_choices(seed: int) -> None:
    train = worlds.parity()
    models = [Ease().fit(train, Run()), ItemKNN().fit(train, Run())]
    popularity, people = popularity_of(train), train.n_users
    config = OnboardingConfig(well_known=15, catalogue=25, breadth=0.5, carries=0.4, passed=0.2, fully=2.0)
    picker = ItemPicker.of(models, popularity, people, config=config)
    order = np.argsort(-popularity, kind="stable")
    known, spoken = order[:15].tolist(), order[:25].tolist()

    @cache
    def said(model: Ease | ItemKNN, i: int) -> np.ndarray:
        found = model.score(Queries.guests([[i]]), np.array([spoken], np.int32))[0]
        return np.nan_to_num(found.astype(np.float64))

    @cache
    def near(i: int, j: int) -> float:
        if i == j:
            return 1.0
        parts = []
        for model in models:
            others = np.array([said(model, k)[spoken.index(j)] for k in known])
            z = (said(model, i)[spoken.index(j)] - others.mean()) / (config.fully * others.std())
            parts.append(min(1.0, max(0.0, z)))
        return sum(parts) / len(parts)

    rng = np.random.default_rng(seed)
    chosen = rng.choice(train.n_items, 2, replace=False).tolist()
    passed = rng.choice([i for i in known if i not in chosen], 2, replace=False).tolist()
    weight = {j: popularity[j] / popularity[spoken].sum() for j in spoken}
    chance = {}
    for i in known:
        p = popularity[i] / people
        for k in passed:
            p *= 1 - config.passed * near(k, i)
        unknown = 1 - p
        for k in chosen:
            unknown *= 1 - config.carries * near(k, i)
        chance[i] = 1 - unknown
    silent = {j: weight[j] * np.prod([1 - near(k, j) for k in chosen]) for j in spoken}
    plain: list[int] = []
    for _ in range(4):
        left = [i for i in known if i not in (*plain, *chosen, *passed)]
        worth = {i: chance[i] * sum(silent[j] * near(i, j) for j in spoken) ** config.breadth for i in left}
        plain.append(max(worth, key=lambda i: worth[i]))
        silent = {j: silent[j] * (1 - chance[plain[-1]] * near(plain[-1], j)) for j in spoken}
    found = picker.pick(4, np.array(chosen, np.int32), np.array(passed, np.int32))
    assert found.tolist() == plain
