"""Transfer of a network's weights to another data set by way of texts."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
pytest.importorskip("sentence_transformers", reason="the extra 'text' is not installed")
import worlds
from foretaste.errors import ConfigError
from foretaste.features.text import TextEncoderConfig
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
from foretaste.training.config import TrainingConfig
from foretaste.types import Run

LONG = TrainingConfig(epochs=30, least_steps=0, batch_events=190, learning_rate=0.01, warm_up_steps=10, averaging=0.9)
HARDLY = LONG.model_copy(update={"epochs": 1, "learning_rate": 1e-6})


def config(training: TrainingConfig, **settings: object) -> SasRecConfig:
    return SasRecConfig(width=16, dropout=0.1, texts=TextEncoderConfig(), ids=False, training=training, **settings)


def right(model: SasRec, data: object) -> float:
    """Share of the offers that are of the person's parity, though nobody ever took one of them."""
    asked = worlds.everyone(data)
    found = model.recommend(asked, 3, exclude=asked.history).items
    return (worlds.parity_of(data, found.ravel()).reshape(found.shape) == worlds.parity_of_people(data)[:, None]).mean()


def test_what_was_learned_elsewhere_is_known_here_from_the_start() -> None:
    here, there = worlds.parity(30, 24, 4, seed=1), worlds.parity()
    first = SasRec(config(LONG)).fit(there, Run())
    begun, blank = SasRec(config(HARDLY)).fit(here, Run(), start=first), SasRec(config(HARDLY)).fit(here, Run())
    assert right(begun, here) > 0.95
    assert right(begun, here) > right(blank, here)


def test_rows_of_items_stay_where_they_are() -> None:
    """The other catalogue has as many items, and none of them is one of ours."""
    with_ids = config(HARDLY).model_copy(update={"ids": True})
    here, there = worlds.parity(seed=1), worlds.parity()
    first = SasRec(with_ids.model_copy(update={"training": LONG})).fit(there, Run())
    begun, blank = SasRec(with_ids).fit(here, Run(), start=first), SasRec(with_ids).fit(here, Run())
    ids = [model.trained.modules[0].items.ids.detach().numpy() for model in (begun, blank, first)]
    np.testing.assert_allclose(ids[0], ids[1], atol=1e-3)
    assert np.abs(ids[0] - ids[2]).max() > 0.1


@pytest.mark.parametrize("other", [{"texts": None, "ids": True}, {"width": 32}, {"item_layers": 2}])
def test_where_nothing_fits_it_says_so(other: dict[str, object]) -> None:
    first = SasRec(config(HARDLY)).fit(worlds.parity(), Run())
    second = SasRec(config(HARDLY).model_copy(update=other))
    with pytest.raises(ConfigError, match=r"begin with another"):
        second.fit(worlds.parity(seed=1), Run(), start=first)
