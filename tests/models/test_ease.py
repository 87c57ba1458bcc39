"""`ease` where its matrix does not fit one block."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.models.linear import ease
from foretaste.models.linear.ease import Ease
from foretaste.types import Run


@pytest.mark.parametrize("rows", [1, 7, 29, 30, 31])
def test_blocks_of_any_size_give_the_same_weights(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = worlds.popularity(n_users=80, n_items=30)
    monkeypatch.setattr(ease, "ROWS_PER_BLOCK", rows)
    model = Ease().fit(data, Run())
    X = data.matrix().toarray().astype(np.float64)
    P = np.linalg.inv(X.T @ X + model.config.regularisation * np.eye(30))
    plain = np.eye(30) - P / np.diag(P)
    np.testing.assert_allclose(model.weights, plain - np.diag(np.diag(plain)), atol=1e-6)
