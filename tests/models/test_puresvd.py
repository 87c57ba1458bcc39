"""`puresvd` against a dense decomposition."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.models.factors.puresvd import PureSVD, PureSVDConfig
from foretaste.types import Run


@pytest.mark.parametrize("popularity", [1.0, 0.5, 0.0])
def test_it_projects_on_the_first_directions(popularity: float) -> None:
    data = worlds.popularity(n_users=30, n_items=16, per_user=5)
    model = PureSVD(PureSVDConfig(factors=3, popularity=popularity)).fit(data, Run())
    X = data.matrix().toarray().astype(np.float64)
    count = X.sum(axis=0)
    _, _, V = np.linalg.svd(X * np.maximum(count, 1) ** ((popularity - 1) / 2))
    plain = X @ V[:3].T @ V[:3]
    plain[:, count == 0] = np.nan
    every = np.tile(np.arange(16, dtype=np.int32), (30, 1))
    np.testing.assert_allclose(model.score(worlds.everyone(data), every), plain, rtol=1e-3, atol=1e-4)


def test_it_never_gives_a_history_back_as_it_was() -> None:
    data = worlds.parity(n_users=12, n_items=8, per_user=3)
    model = PureSVD(PureSVDConfig(factors=500)).fit(data, Run())
    assert model.directions is not None
    assert model.directions.shape == (8, 2)
