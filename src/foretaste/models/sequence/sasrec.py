"""Next items by causal self-attention over the history (SASRec; Kang & McAuley, ICDM 2018), with today's recipe.

Pre-norm blocks, softmax over the whole catalogue instead of one negative (Klenitskiy & Vasilev, RecSys 2023), and,
where texts are read, what the words of an item say beside its learned row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, PositiveInt

from foretaste.models.saving import fitted
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.learn import learn
from foretaste.models.sequence.trained import Trained
from foretaste.nn.transformer import Transformer

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class SasRecConfig(SequenceConfig):
    blocks: PositiveInt = 1
    heads: PositiveInt = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5


class SasRec:
    """score(i) = state of the newest event · e(i)."""

    config_class = SasRecConfig
    grid = (SasRecConfig(),)
    trained: Trained | None = None

    def __init__(self, config: SasRecConfig | None = None) -> None:
        self.config = config or SasRecConfig()

    @property
    def settled(self) -> SasRecConfig:
        """The settings with the number of epochs early stopping found: to learn again from more data, unwatched."""
        return self.config.model_copy(update={"training": fitted(self.trained, self).settled_training()})

    def fit(self, train: Dataset, run: Run) -> Self:
        def measured(half_trained: Trained) -> float:
            self.trained = half_trained
            assert run.monitor is not None
            return run.monitor(self)

        self.trained = learn("sasrec", self.config, network, train, run, measured=measured if run.monitor else None)
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
        trained = Trained.load(folder, "sasrec", SasRecConfig, network)
        model = cls(trained.config)  # type: ignore[arg-type]  # what was loaded is a SasRecConfig
        model.trained = trained
        return model


def network(config: SasRecConfig) -> Transformer:
    return Transformer(config.width, config.blocks, config.heads, config.dropout, config.max_length, causal=True)
