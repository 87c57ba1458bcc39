"""`bpr`: what `implicit` learns, and the map from histories to people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import worlds
from foretaste.models.factors.bpr import BPR, BPRConfig
from foretaste.types import Run

kernel: Any = pytest.importorskip("implicit.cpu.bpr")


def test_people_are_folded_in_by_ridge_regression() -> None:
    data = worlds.parity()
    config = BPRConfig(factors=6, epochs=40, fold_in_ridge=0.2)
    model = BPR(config).fit(data, Run(seed=3))
    theirs = kernel.BayesianPersonalizedRanking(
        factors=6, learning_rate=0.05, regularization=0.02, iterations=40, num_threads=1, random_state=3
    )
    X = data.matrix()
    theirs.fit(csr_matrix(X), show_progress=False)
    v, b, people = theirs.item_factors[:, :-1], theirs.item_factors[:, -1], theirs.user_factors[:, :-1]
    S = (X @ v).astype(np.float64)
    A = np.linalg.inv(S.T @ S + 0.2 * np.trace(S.T @ S) / 6 * np.eye(6)) @ S.T @ people
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (data.n_users, 1))
    np.testing.assert_allclose(model.score(worlds.everyone(data), every), S @ A @ v.T + b, rtol=1e-2, atol=1e-3)
    learned = people @ v.T
    assert np.corrcoef((S @ A @ v.T).ravel(), learned.ravel())[0, 1] > 0.9, "close to the vectors SGD learned"


def test_what_is_taken_ranks_above_what_is_not() -> None:
    data = worlds.parity()
    model = BPR().fit(data, Run())
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (data.n_users, 1))
    scores, X = model.score(worlds.everyone(data), every), data.matrix().toarray() > 0
    above = [(scores[u][X[u]][:, None] > scores[u][~X[u]]).mean() for u in range(data.n_users)]
    assert np.mean(above) > 0.8  # the area under the ROC curve, which BPR raises
