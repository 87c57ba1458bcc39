"""Next items by filling gaps from both sides (BERT4Rec; Sun et al., CIKM 2019), half of them at the end."""

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


class Bert4RecConfig(SequenceConfig):
    blocks: PositiveInt = 2
    heads: PositiveInt = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    masked: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the events hidden and asked for."""


class Bert4Rec:
    """score(i) = state of a hidden event behind the history · e(i)."""

    config_class = Bert4RecConfig
    grid = (Bert4RecConfig(),)
    trained: Trained | None = None

    def __init__(self, config: Bert4RecConfig | None = None) -> None:
        self.config = config or Bert4RecConfig()

    @property
    def settled(self) -> Bert4RecConfig:
        """The settings with the number of epochs early stopping found: to learn again from more data, unwatched."""
        return self.config.model_copy(update={"training": fitted(self.trained, self).settled_training()})

    def fit(self, train: Dataset, run: Run) -> Self:
        def measured(half_trained: Trained) -> float:
            self.trained = half_trained
            assert run.monitor is not None
            return run.monitor(self)

        self.trained = learn(
            "bert4rec",
            self.config,
            network,
            train,
            run,
            measured=measured if run.monitor else None,
            mask_share=self.config.masked,
        )
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
        trained = Trained.load(folder, "bert4rec", Bert4RecConfig, network)
        model = cls(trained.config)  # type: ignore[arg-type]  # what was loaded is a Bert4RecConfig
        model.trained = trained
        return model


def network(config: Bert4RecConfig) -> Transformer:
    return Transformer(config.width, config.blocks, config.heads, config.dropout, config.max_length, causal=False)
