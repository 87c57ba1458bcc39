"""Dropout and depth chosen from the number of events per item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import worlds
from foretaste.models.sequence.gru4rec import Gru4RecConfig
from foretaste.models.sequence.hstu import HstuConfig
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
from foretaste.models.sequence.training.capacity import dropout_for, resolve_auto_settings
from foretaste.training.config import TrainingConfig
from foretaste.types import History, Queries, Run

if TYPE_CHECKING:
    from pathlib import Path

ONCE = TrainingConfig(epochs=1, least_steps=0)


@pytest.mark.parametrize(("events_per_item", "dropout"), [(0, 0.5), (3, 0.5), (25, 0.5), (45, 0.2), (1e6, 0.2)])
def test_few_events_are_forgotten_most(events_per_item: float, dropout: float) -> None:
    assert dropout_for(events_per_item) == dropout


def test_it_never_rises_with_the_data() -> None:
    found = [dropout_for(n) for n in np.geomspace(1, 1000, 200)]
    assert (np.diff(found) <= 0).all()
    assert len(set(found)) > 10, "without a step at which one event more makes another network"


def test_counted_is_what_is_learned_from() -> None:
    """Of three hundred events a network of 100 learns from 101, and an item nobody met is none."""
    history = History.of_items([[0, 1] * 150])
    met = np.array([True, True, False])
    assert resolve_auto_settings(SasRecConfig(max_length=100), history, met).dropout == dropout_for(101 / 2) < 0.5
    assert resolve_auto_settings(SasRecConfig(max_length=20), history, met).dropout == 0.5
    assert resolve_auto_settings(Gru4RecConfig(dropout=0.35), history, met).dropout == 0.35


@pytest.mark.parametrize(("events", "blocks"), [(40, 1), (300, 2)])
def test_depth_wants_data(events: int, blocks: int) -> None:
    history = History.of_items([[0, 1] * (events // 2)])
    met = np.array([True, True])
    assert resolve_auto_settings(SasRecConfig(), history, met).blocks == blocks
    assert resolve_auto_settings(SasRecConfig(blocks=3), history, met).blocks == 3
    assert resolve_auto_settings(HstuConfig(), history, met).blocks == 2


def test_what_the_data_decided_is_kept_with_the_network(tmp_path: Path) -> None:
    data = worlds.parity(n_users=400)  # ten events each, of forty items
    model = SasRec(SasRecConfig(width=8, training=ONCE)).fit(data, Run())
    assert model.trained is not None
    assert (model.trained.config.dropout, model.trained.config.blocks) == (0.2, 2)
    assert (model.refit_config.dropout, model.refit_config.blocks) == (0.2, 2), "learned again as it was chosen"
    model.save(tmp_path / "kept")
    again = SasRec.load(tmp_path / "kept")
    asked = Queries.guests([[0, 1, 2]])
    np.testing.assert_array_equal(again.recommend(asked, 5).items, model.recommend(asked, 5).items)
