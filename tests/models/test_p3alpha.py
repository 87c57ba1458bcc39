"""`p3alpha` walks as its paper does."""

from __future__ import annotations

import numpy as np

import worlds
from foretaste.models.neighbours.p3alpha import PlainWalk, PlainWalkConfig
from foretaste.models.neighbours.rp3beta import RandomWalk, WalkConfig
from foretaste.types import Run


def test_it_is_a_walk_of_three_steps() -> None:
    data = worlds.parity(n_users=25, n_items=14, per_user=4)
    model = PlainWalk(PlainWalkConfig(neighbours=14, alpha=1.3)).fit(data, Run())
    X = data.matrix().toarray()
    plain = (X / X.sum(axis=0)).T ** 1.3 @ (X / X.sum(axis=1, keepdims=True)) ** 1.3
    np.fill_diagonal(plain, 0)
    assert model.weights is not None
    np.testing.assert_allclose(model.weights.weights.toarray(), plain, rtol=1e-4, atol=1e-7)


def test_with_alpha_one_the_chances_of_a_walk_add_up() -> None:
    data = worlds.popularity(n_users=50)
    model = PlainWalk(PlainWalkConfig(neighbours=30)).fit(data, Run())
    X = data.matrix().toarray()
    taken = X.sum(axis=0)
    home = (X / X.sum(axis=1, keepdims=True)).sum(axis=0) / np.maximum(taken, 1)  # the walk ends where it began
    assert model.weights is not None
    np.testing.assert_allclose((model.weights.weights.sum(axis=1) + home)[taken > 0], 1, rtol=1e-5)


def test_rp3beta_without_beta_is_p3alpha() -> None:
    data = worlds.parity()
    plain = PlainWalk(PlainWalkConfig(neighbours=9, alpha=0.8)).fit(data, Run()).weights
    pushed = RandomWalk(WalkConfig(neighbours=9, alpha=0.8, beta=0.0)).fit(data, Run()).weights
    assert plain is not None
    assert pushed is not None
    np.testing.assert_array_equal(plain.weights.toarray(), pushed.weights.toarray())
