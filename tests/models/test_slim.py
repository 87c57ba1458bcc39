"""`slim` against scikit-learn's elastic net, item by item."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.models.linear.slim import Slim, SlimConfig
from foretaste.types import Run

pytest.importorskip("numba")
linear_model = pytest.importorskip("sklearn.linear_model")


@pytest.mark.parametrize(
    ("l1", "l2", "activity"), [(0.5, 2.0, 0.0), (2.0, 10.0, 0.0), (0.05, 1.0, 0.0), (0.5, 2.0, 0.7)]
)
def test_each_column_is_an_elastic_net(l1: float, l2: float, activity: float) -> None:
    data = worlds.popularity(n_users=60, n_items=14, per_user=5)
    data = data.where(np.random.default_rng(0).random(len(data)) < 0.8)  # people who took more and less
    model = Slim(SlimConfig(l1=l1, l2=l2, activity=activity, candidates=14)).fit(data, Run())
    X = data.matrix().toarray().astype(np.float64)
    loud = np.maximum(X.sum(axis=1), 1) ** -activity
    loud *= X.sum() / (X.sum(axis=1) * loud).sum()
    X *= np.sqrt(loud)[:, None]
    plain = np.zeros((14, 14))
    for i in range(14):
        others = X.copy()
        others[:, i] = 0
        net = linear_model.ElasticNet(
            alpha=(l1 + l2) / len(X), l1_ratio=l1 / (l1 + l2), positive=True, fit_intercept=False, tol=1e-8
        )
        plain[:, i] = net.fit(others, X[:, i]).coef_
    assert model.weights is not None
    np.testing.assert_allclose(model.weights.weights.toarray(), plain, atol=1e-3)
    assert (plain > 0.01).sum() > 10


def test_only_the_nearest_may_speak_and_nothing_for_itself() -> None:
    data = worlds.popularity(n_users=100)
    model = Slim(SlimConfig(l1=0.0, l2=1.0, candidates=4)).fit(data, Run())
    assert model.weights is not None
    weights = model.weights.weights.toarray()
    assert ((weights > 0).sum(axis=0) <= 4).all()
    assert (np.diag(weights) == 0).all()
    assert (weights >= 0).all()


def test_a_stronger_l1_silences_more() -> None:
    data = worlds.popularity(n_users=100)
    kept = []
    for l1 in (0.0, 2.0, 8.0, 1e6):
        model = Slim(SlimConfig(l1=l1, l2=1.0)).fit(data, Run())
        assert model.weights is not None
        kept.append(model.weights.weights.nnz)
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == 0
