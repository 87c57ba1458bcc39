"""The nearest items do not depend on the size of the blocks they are computed in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from foretaste.models.neighbours import weights
from foretaste.models.neighbours.weights import nearest_items
from foretaste.types import Run

ITEMS, PEOPLE = 200, 300


def asked_with(room: int, taken: csr_array, monkeypatch: pytest.MonkeyPatch) -> tuple[csr_array, list[int]]:
    """The nearest items where `room` meetings are held at once, and how many there were each time."""
    held: list[int] = []

    def weigh(target: np.ndarray, source: np.ndarray, met: np.ndarray) -> np.ndarray:
        held.append(len(target))
        return np.asarray(met - np.float32(0.001) * source, np.float32)

    monkeypatch.setattr(weights, "BLOCK_CELLS", 8 * room)
    return nearest_items(csr_array(taken.T), taken, weigh, 3, Run(), "nearest"), held


@pytest.mark.parametrize("density", [0.0, 0.002, 0.05])
def test_any_block_finds_what_one_row_at_a_time_finds(density: float, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = csr_array(random_array((PEOPLE, ITEMS), density=density, format="csr", dtype=np.float32, rng=0))
    plain, held = asked_with(1, taken, monkeypatch)
    most = max(held)
    for room in (7, ITEMS // 2, 5 * ITEMS, 10**9):
        found, held = asked_with(room, taken, monkeypatch)
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(found, part), getattr(plain, part))
        assert max(held) <= max(room, most)


def test_rows_that_meet_few_others_are_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = csr_array(random_array((PEOPLE, ITEMS), density=0.002, format="csr", dtype=np.float32, rng=0))
    _, held = asked_with(ITEMS // 2, taken, monkeypatch)
    assert len(held) < 10, "not one row at a time, though a full row would fill the room alone"
