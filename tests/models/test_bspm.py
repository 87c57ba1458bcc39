"""`bspm` against its differential equation, stepped through densely."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.models.graph.bspm import BlurSharpen, BlurSharpenConfig
from foretaste.models.graph.gfcf import GraphFilter, GraphFilterConfig
from foretaste.types import Run


def stepped(R: np.ndarray, config: BlurSharpenConfig) -> np.ndarray:
    """Blur, then ds/dt = −s P by the classical Runge–Kutta scheme, or by Euler's."""
    half = np.sqrt(np.maximum(R.sum(axis=0), 1))
    normal = R / np.sqrt(R.sum(axis=1, keepdims=True)) / half
    P = normal.T @ normal
    _, _, V = np.linalg.svd(normal)
    V = V[: config.rank]
    s = R @ P + config.ideal_weight * (R / half) @ V.T @ V * half
    h = config.sharpening / config.steps
    for _ in range(config.steps):
        k1 = -s @ P
        if config.solver == "euler":
            s = s + h * k1
            continue
        k2 = -(s + h / 2 * k1) @ P
        k3 = -(s + h / 2 * k2) @ P
        k4 = -(s + h * k3) @ P
        s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return s


@pytest.mark.parametrize("solver", ["rk4", "euler"])
@pytest.mark.parametrize("steps", [1, 3])
def test_it_solves_its_equation(solver: str, steps: int) -> None:
    data = worlds.parity(n_users=30, n_items=16, per_user=5)
    config = BlurSharpenConfig.model_validate(
        {"rank": 4, "ideal_weight": 0.3, "sharpening": 2.0, "steps": steps, "solver": solver}
    )
    model = BlurSharpen(config).fit(data, Run())
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (data.n_users, 1))
    plain = stepped(data.matrix().toarray().astype(np.float64), config)
    np.testing.assert_allclose(model.score(worlds.everyone(data), every), plain, rtol=1e-3, atol=1e-4)


def test_without_sharpening_it_is_the_graph_filter() -> None:
    data = worlds.parity(n_users=30, n_items=16, per_user=5)
    blurred = BlurSharpen(BlurSharpenConfig(rank=4, ideal_weight=0.3, sharpening=0.0)).fit(data, Run())
    smooth = GraphFilter(GraphFilterConfig(rank=4, ideal_weight=0.3)).fit(data, Run())
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (data.n_users, 1))
    everyone = worlds.everyone(data)
    np.testing.assert_allclose(blurred.score(everyone, every), smooth.score(everyone, every), rtol=1e-4, atol=1e-5)


def test_many_steps_are_the_exponential() -> None:
    """exp(−T P) keeps what the graph does not see and takes away what it sees best."""
    data = worlds.parity(n_users=30, n_items=16, per_user=5)
    config = BlurSharpenConfig(rank=0, ideal_weight=0.0, sharpening=2.0, steps=20)
    model = BlurSharpen(config).fit(data, Run())
    R = data.matrix().toarray().astype(np.float64)
    normal = R / np.sqrt(R.sum(axis=1, keepdims=True)) / np.sqrt(np.maximum(R.sum(axis=0), 1))
    values, vectors = np.linalg.eigh(normal.T @ normal)
    plain = R @ vectors @ np.diag(values * np.exp(-2.0 * values)) @ vectors.T
    every = np.tile(np.arange(data.n_items, dtype=np.int32), (data.n_users, 1))
    np.testing.assert_allclose(model.score(worlds.everyone(data), every), plain, rtol=1e-3, atol=1e-4)
