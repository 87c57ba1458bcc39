"""Ensembles of networks with different seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import worlds
from foretaste.registry import model_class
from foretaste.training.config import TrainingConfig
from foretaste.types import Run

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.models.sequence.model import SequenceModel

NAMES = ("sasrec", "hstu", "gru4rec", "bert4rec")
QUICK = TrainingConfig(epochs=3, least_steps=0, batch_events=144, averaging=0.0)


def model(name: str, ensemble: int) -> SequenceModel:
    made = model_class(name)
    return made(made.config_class(width=16, ensemble=ensemble, training=QUICK))


@pytest.mark.parametrize("name", NAMES)
def test_its_scores_are_the_mean_of_its_members(name: str, tmp_path: Path) -> None:
    world = worlds.parity()
    asked = worlds.everyone(world)
    items = np.tile(np.arange(world.n_items, dtype=np.int32), (len(asked), 1))
    members = [model(name, 1).fit(world, Run(seed=seed)).score(asked, items) for seed in (5, 6, 7)]
    together = model(name, 3).fit(world, Run(seed=5))
    np.testing.assert_allclose(together.score(asked, items), np.mean(members, axis=0), rtol=1e-3, atol=1e-5)
    together.save(tmp_path / "model")
    again = model_class(name).load(tmp_path / "model")
    np.testing.assert_array_equal(again.score(asked, items), together.score(asked, items))


def test_each_member_stops_at_its_own_best() -> None:
    scores = iter([0.1, 0.9, *[0.0] * 2, 0.5, 0.4, 0.7, 0.9, *[0.0] * 2])  # best after epochs 2 and 4
    made = model("sasrec", 2)
    made.config = made.config.model_copy(update={"training": QUICK.model_copy(update={"epochs": 30, "patience": 2})})
    fitted = made.fit(worlds.parity(), Run(monitor=lambda model: next(scores)))
    assert [one.best_epoch for one in fitted.trained.member_progress] == [2, 4]
    assert fitted.refit_config.training.epochs == 3
    assert fitted.refit_config.ensemble == 2


def test_what_no_network_learned_is_written_once(tmp_path: Path) -> None:
    """Words of the items are the same for all; only what is learned is there as many times."""
    from safetensors.numpy import load_file

    made = model_class("sasrec")
    config = made.config_class(width=8, words=True, ensemble=2, training=QUICK)
    fitted = made(config).fit(worlds.parity(), Run())
    fitted.save(tmp_path / "model")
    found = load_file(tmp_path / "model" / "arrays.safetensors")
    assert sum(name.endswith("items.word_codes") for name in found) == 1
    assert sum(name.endswith("items.words") for name in found) == 2
    asked = worlds.everyone(worlds.parity())
    np.testing.assert_array_equal(
        made.load(tmp_path / "model").recommend(asked, 5).items, fitted.recommend(asked, 5).items
    )
