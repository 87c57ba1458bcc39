"""`rules` against counting by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

import worlds
from foretaste.models.neighbours.rules import Rules, RulesConfig
from foretaste.types import Run


@pytest.mark.parametrize("speaks", ["confidence", "lift", "both"])
def test_each_rule_weighs_what_counting_says(speaks: str) -> None:
    data = worlds.popularity(n_users=40, n_items=12, per_user=4)
    config = RulesConfig.model_validate({"speaks": speaks, "shrinkage": 3.0, "min_people": 3, "rules_per_item": 12})
    model = Rules(config).fit(data, Run())
    X = data.matrix().toarray() > 0
    plain = np.zeros((12, 12))
    for a in range(12):
        for b in range(12):
            both, n_a, n_b = (X[:, a] & X[:, b]).sum(), X[:, a].sum(), X[:, b].sum()
            lift = (both + 3.0) / (n_a * n_b / 40 + 3.0)
            if a != b and both >= 3 and lift > 1:
                confidence = both / (n_a + 3.0)
                plain[a, b] = {"confidence": confidence, "lift": log2(lift), "both": confidence * log2(lift)}[speaks]
    assert model.weights is not None
    np.testing.assert_allclose(model.weights.weights.toarray(), plain, rtol=1e-4, atol=1e-6)
    assert (plain > 0).sum() > 5


def test_a_rule_tells_its_numbers() -> None:
    # Items 0 and 1 go together in 6 of 8 people, and item 2 is taken by the other two.
    user = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7])
    item = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 2])
    data = worlds.dataset(user, item)
    model = Rules(RulesConfig(shrinkage=0.0)).fit(data, Run())
    zero, one = data.items.ids.code("i0"), data.items.ids.code("i1")
    (rule,) = model.rules_for(np.array([zero], np.int32), one)
    assert (rule.given, rule.then, rule.people) == (zero, one, 6)
    assert rule.support == pytest.approx(6 / 8)
    assert rule.confidence == pytest.approx(1.0)
    assert rule.lift == pytest.approx(8 / 6)
    assert {(r.given, r.then) for r in model.strongest(10)} == {(zero, one), (one, zero)}
    assert model.rules_for(np.array([data.items.ids.code("i2")], np.int32), one) == []


def test_chance_makes_no_rules_once_few_people_count_for_little() -> None:
    noise = worlds.noise(n_users=300)
    bold = Rules(RulesConfig(shrinkage=0.0, speaks="lift")).fit(noise, Run())
    careful = Rules(RulesConfig(shrinkage=50.0, speaks="lift")).fit(noise, Run())
    assert bold.weights is not None
    assert careful.weights is not None
    assert careful.weights.weights.max() < bold.weights.weights.max() / 4
