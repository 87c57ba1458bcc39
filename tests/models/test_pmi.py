"""Initial item embeddings from PMI factors."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.models.sequence.training.pmi import CONTEXT_SMOOTHING, GAP_WEIGHTS, ROW_SCALE, pmi_factors
from foretaste.types import History, Run


def plain(rows: list[list[int]], n_items: int, width: int) -> np.ndarray:
    """The products of the factors, by the book: every pair counted on its own, every eigenvalue computed."""
    count = np.zeros((n_items, n_items))
    for row in rows:
        for a in range(len(row)):
            for gap, weight in enumerate(GAP_WEIGHTS, start=1):
                if a + gap < len(row) and row[a] != row[a + gap]:
                    count[row[a], row[a + gap]] += weight
                    count[row[a + gap], row[a]] += weight
    total = count.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = total[:, None] * total[None, :] ** CONTEXT_SMOOTHING / (total**CONTEXT_SMOOTHING).sum()
        pmi = np.where(count > 0, np.log(count / chance), 0)
    pmi = np.maximum(pmi, 0)
    values, vectors = np.linalg.eigh((pmi + pmi.T) / 2)
    found = vectors[:, -width:] * np.sqrt(np.maximum(values[-width:], 0))
    found[total == 0] = 0
    return ROW_SCALE**2 * found @ found.T / np.mean(found[total > 0] ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_counted_fast_as_counted_plainly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [list(rng.integers(0, 28, rng.integers(0, 12))) for _ in range(60)]
    found = pmi_factors(History.of_items(rows), 30, 4)
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_allclose(found @ found.T, plain(rows, 30, 4), atol=1e-4)
    assert not found[28:].any(), "nobody met these"


def test_two_circles_begin_apart() -> None:
    rng = np.random.default_rng(0)
    rows = [list(rng.permutation(20)[:8] + 20 * (person % 2)) for person in range(200)]
    found = pmi_factors(History.of_items(rows), 40, 8)
    assert found is not None
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    alike = unit @ unit.T
    assert alike[:20, :20].mean() > alike[:20, 20:].mean() + 0.2


def test_the_same_twice() -> None:
    rows = [list(np.random.default_rng(s).integers(0, 50, 9)) for s in range(80)]
    first, second = (pmi_factors(History.of_items(rows), 50, 8) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rows", [[], [[]], [[1]], [[1], [2]], [[1, 1, 1]]])
def test_where_nothing_stands_together_there_is_nothing_to_begin_with(rows: list[list[int]]) -> None:
    assert pmi_factors(History.of_items(rows), 100, 8) is None
    assert pmi_factors(History.of_items([[0, 1, 2]]), 3, 8) is None, "or too little"


@pytest.mark.parametrize(
    ("settings", "counted"),
    [({}, True), ({"words": True}, False), ({"words": True, "initial": "pmi"}, True), ({"initial": "random"}, False)],
)
def test_networks_begin_there_where_nothing_else_is_read(settings: dict, counted: bool, monkeypatch) -> None:
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
    from foretaste.models.sequence.training import fit

    asked: list[int] = []

    def spied(history: History, n_items: int, width: int) -> None:
        asked.append(width)

    monkeypatch.setattr(fit, "pmi_factors", spied)
    brief = {"width": 8, "training": {"epochs": 1, "least_steps": 0}}
    SasRec(SasRecConfig.parse(brief | settings, "test")).fit(worlds.parity(), Run())
    assert asked == ([8] if counted else [])
