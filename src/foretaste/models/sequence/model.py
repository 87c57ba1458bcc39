"""What every network over histories does as a recommender: learn, answer, explain, be kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from foretaste.errors import ConfigError
from foretaste.models.saving import fitted
from foretaste.models.sequence.learn import learn
from foretaste.models.sequence.session import Session
from foretaste.models.sequence.trained import Trained
from foretaste.models.sequence.transfer import carried

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from foretaste.data.dataset import Dataset
    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.types import BoolArray, Candidates, FloatArray, History, IntArray, Queries, Ragged, Run


class SequenceModel(ABC):
    """A model names itself, its settings and its network, and is done.

    Inherited, against our habit: five copies of it were worse.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[Any]]
    grid: ClassVar[tuple[Any, ...]]
    trained: Trained | None = None

    def __init__(self, config: Any = None) -> None:
        self.config: Any = config or self.config_class()

    @staticmethod
    @abstractmethod
    def network(config: Any) -> nn.Module:
        """x (T, width) embedded events and their batch to (T, width) states."""

    def mask_share(self) -> float | None:
        """Share of the events hidden and asked for; None asks for every next event."""
        return None

    @property
    def settled(self) -> SequenceConfig:
        """The settings with what the data decided and the number of epochs early stopping found: to learn again from
        more data, unwatched."""
        trained = fitted(self.trained, self)
        return trained.config.model_copy(update={"training": trained.settled_training()})

    def fit(self, train: Dataset, run: Run, *, start: SequenceModel | None = None) -> Self:
        """start : begin with what this model learned from other data, where both read texts (`transfer.carried`)"""

        def validation_score(half_trained: Trained) -> float:
            self.trained = half_trained
            assert run.monitor is not None
            score = run.monitor(self)
            if not isinstance(score, float | int | np.number):
                raise ConfigError(f"Run.monitor gave {score!r}; it has to give a number, the higher the better.")
            return float(score)

        self.trained = learn(
            self.name,
            self.config,
            self.network,
            train,
            run,
            validation_score=validation_score if run.monitor else None,
            mask_share=self.mask_share(),
            start=None if start is None else carried(fitted(start.trained, start), self.config),
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

    @property
    def columns_read(self) -> frozenset[str]:
        """Names of the columns of people that it learned from."""
        columns = fitted(self.trained, self).columns
        return frozenset() if columns is None else frozenset(column.name for column in columns.columns)

    def warm(self) -> None:
        """Load the encoder that reads searches, which takes seconds, where searches are read."""
        fitted(self.trained, self).warm()

    def session(self, history: History) -> Session:
        """Follow one person (a history of one row, perhaps empty): `session.then(events)` costs those events alone."""
        return Session.begin(fitted(self.trained, self), history)

    def save(self, folder: Path | str) -> None:
        fitted(self.trained, self).save(folder)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        trained = Trained.load(folder, cls.name, cls.config_class, cls.network)
        model = cls(trained.config)
        model.trained = trained
        return model
