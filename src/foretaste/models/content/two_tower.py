"""People and items in one space: a tower reads the history, a tower reads what an item says of itself.

Huang et al., CIKM 2013 (DSSM); Yi et al., RecSys 2019. No item has a learned row, so one nobody has met yet is as good
as any other, and costs nothing to add.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, PositiveInt

from foretaste.errors import DataError
from foretaste.features.text import TextEncoderConfig
from foretaste.models.saving import fitted
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.learn import learn
from foretaste.models.sequence.trained import Trained
from foretaste.nn.transformer import Transformer

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class TwoTowerConfig(SequenceConfig):
    width: PositiveInt = 128
    texts: TextEncoderConfig | None = TextEncoderConfig()
    words: bool = True
    ids: Annotated[bool, Field(description="Never: that is the point of it.")] = False
    blocks: PositiveInt = 1
    heads: PositiveInt = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2


class TwoTower:
    """score(i) = user tower(history) · item tower(content of i)."""

    config_class = TwoTowerConfig
    grid = (TwoTowerConfig(),)
    trained: Trained | None = None

    def __init__(self, config: TwoTowerConfig | None = None) -> None:
        self.config = config or TwoTowerConfig()

    @property
    def settled(self) -> TwoTowerConfig:
        """The settings with the number of epochs early stopping found: to learn again from more data, unwatched."""
        return self.config.model_copy(update={"training": fitted(self.trained, self).settled_training()})

    def fit(self, train: Dataset, run: Run) -> Self:
        if not any(train.items.texts()):
            raise DataError("The model 'two_tower' reads texts of items, and this catalogue has none; leave it out.")

        def measured(half_trained: Trained) -> float:
            self.trained = half_trained
            assert run.monitor is not None
            return run.monitor(self)

        watched = measured if run.monitor else None
        self.trained = learn("two_tower", self.config, network, train, run, measured=watched)
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
        trained = Trained.load(folder, "two_tower", TwoTowerConfig, network)
        model = cls(trained.config)  # type: ignore[arg-type]  # what was loaded is a TwoTowerConfig
        model.trained = trained
        return model


def network(config: TwoTowerConfig) -> Transformer:
    return Transformer(config.width, config.blocks, config.heads, config.dropout, config.max_length, causal=True)
