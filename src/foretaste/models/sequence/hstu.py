"""Next items by pointwise attention with position and time bias (HSTU; Zhai et al., ICML 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, PositiveInt

from foretaste.models.saving import fitted
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.learn import learn
from foretaste.models.sequence.trained import Trained
from foretaste.nn.hstu import Hstu as Network

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class HstuConfig(SequenceConfig):
    blocks: PositiveInt = 2
    heads: PositiveInt = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5


class Hstu:
    """score(i) = state of the newest event · e(i); times of the events are read where there are any."""

    config_class = HstuConfig
    grid = (HstuConfig(),)
    trained: Trained | None = None

    def __init__(self, config: HstuConfig | None = None) -> None:
        self.config = config or HstuConfig()

    @property
    def settled(self) -> HstuConfig:
        """The settings with the number of epochs early stopping found: to learn again from more data, unwatched."""
        return self.config.model_copy(update={"training": fitted(self.trained, self).settled_training()})

    def fit(self, train: Dataset, run: Run) -> Self:
        def measured(half_trained: Trained) -> float:
            self.trained = half_trained
            assert run.monitor is not None
            return run.monitor(self)

        self.trained = learn("hstu", self.config, network, train, run, measured=measured if run.monitor else None)
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        return fitted(self.trained, self).recommend(queries, k, exclude, allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return fitted(self.trained, self).score(queries, items)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        return fitted(self.trained, self).contributions(history, items)

    def save(self, folder: Path) -> None:
        fitted(self.trained, self).save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        trained = Trained.load(folder, "hstu", HstuConfig, network)
        model = cls(trained.config)  # type: ignore[arg-type]  # what was loaded is a HstuConfig
        model.trained = trained
        return model


def network(config: HstuConfig) -> Network:
    return Network(config.width, config.blocks, config.heads, config.dropout, config.max_length)
