"""Next items by a recurrent network (GRU4Rec; Hidasi et al., ICLR 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, PositiveInt

from foretaste.models.saving import fitted
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.learn import learn
from foretaste.models.sequence.trained import Trained
from foretaste.nn.gru import Gru

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class Gru4RecConfig(SequenceConfig):
    layers: PositiveInt = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5


class Gru4Rec:
    """score(i) = state after the newest event · e(i)."""

    config_class = Gru4RecConfig
    grid = (Gru4RecConfig(),)
    trained: Trained | None = None

    def __init__(self, config: Gru4RecConfig | None = None) -> None:
        self.config = config or Gru4RecConfig()

    @property
    def settled(self) -> Gru4RecConfig:
        """The settings with the number of epochs early stopping found: to learn again from more data, unwatched."""
        return self.config.model_copy(update={"training": fitted(self.trained, self).settled_training()})

    def fit(self, train: Dataset, run: Run) -> Self:
        def measured(half_trained: Trained) -> float:
            self.trained = half_trained
            assert run.monitor is not None
            return run.monitor(self)

        self.trained = learn("gru4rec", self.config, network, train, run, measured=measured if run.monitor else None)
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
        trained = Trained.load(folder, "gru4rec", Gru4RecConfig, network)
        model = cls(trained.config)  # type: ignore[arg-type]  # what was loaded is a Gru4RecConfig
        model.trained = trained
        return model


def network(config: Gru4RecConfig) -> Gru:
    return Gru(config.width, config.layers, config.dropout)
