"""Base class of the sequence models: fit, recommend, score, explain, save and load around a network of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from foretaste.errors import ConfigError
from foretaste.models.saving import fitted
from foretaste.models.sequence.session import Session
from foretaste.models.sequence.trained_network import TrainedNetwork
from foretaste.models.sequence.training.fit import fit_network
from foretaste.models.sequence.training.transfer import transferable_weights

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from foretaste.data.dataset import Dataset
    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.types import BoolArray, Candidates, FloatArray, History, IntArray, Queries, Ragged, Run


class SequenceModel(ABC):
    """A subclass names itself, its settings and its network; everything else is here.

    One of two base classes in the project: five copies of this delegation were worse than inheritance.

    trained : the fitted network; None before `fit`
    """

    name: ClassVar[str]
    config_class: ClassVar[type[Any]]
    grid: ClassVar[tuple[Any, ...]]
    trained: TrainedNetwork | None = None

    def __init__(self, config: Any = None) -> None:
        self.config: Any = config or self.config_class()

    @staticmethod
    @abstractmethod
    def network(config: Any) -> nn.Module:
        """A module from (T, width) embedded events and their batch to (T, width) states."""

    def mask_share(self) -> float | None:
        """Share of the events that are masked and predicted in training; None predicts every next event."""
        return None

    @property
    def refit_config(self) -> SequenceConfig:
        """Settings to fit again on all data, without validation: "auto" values resolved, the best number of epochs."""
        trained = fitted(self.trained, self)
        return trained.config.model_copy(update={"training": trained.refit_training()})

    def fit(self, train: Dataset, run: Run, *, start: SequenceModel | None = None) -> Self:
        """Train the network on `train`.

        start  : initialise with the weights of this model, fitted to other data (`training.transfer`); both must read
                 texts with the same encoder
        raises : ConfigError for settings that cannot go together; DataError where `train` lacks what they read
        """

        def validation_score(so_far: TrainedNetwork) -> float:
            self.trained = so_far
            assert run.monitor is not None
            score = run.monitor(self)
            if not isinstance(score, float | int | np.number):
                raise ConfigError(f"Run.monitor gave {score!r}; it has to give a number, the higher the better.")
            return float(score)

        self.trained = fit_network(
            type(self),
            self.config,
            train,
            run,
            validation_score=validation_score if run.monitor else None,
            mask_share=self.mask_share(),
            initial_weights=None if start is None else transferable_weights(fitted(start.trained, start), self.config),
        )
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        return fitted(self.trained, self).recommend(queries, k, exclude, allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return fitted(self.trained, self).score(queries, items)

    def query_vectors(self, queries: Queries) -> tuple[FloatArray, BoolArray]:
        """((b, M · width), (B,)): states of the b queries with a positive event or search, and which these are."""
        return fitted(self.trained, self).states(queries)

    def scored_vectors(self) -> tuple[FloatArray, BoolArray]:
        """((n_items, M · width), (n_items,)): item vectors, and which items can be scored."""
        trained = fitted(self.trained, self)
        return trained.vectors, trained.scorable

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        return fitted(self.trained, self).contributions(history, items)

    @property
    def columns_read(self) -> frozenset[str]:
        """Names of the user columns that the model reads."""
        columns = fitted(self.trained, self).columns
        return frozenset() if columns is None else frozenset(column.name for column in columns.columns)

    def warm(self) -> None:
        """Load the text encoder for searches, which takes seconds, where searches are read."""
        fitted(self.trained, self).warm()

    def session(self, history: History) -> Session:
        """Incremental inference for one user, from a history of one row, which may be empty (`Session`)."""
        return Session.begin(fitted(self.trained, self), history)

    def save(self, folder: Path | str) -> None:
        fitted(self.trained, self).save(folder)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        trained = TrainedNetwork.load(folder, cls.name, cls.config_class, cls.network)
        model = cls(trained.config)
        model.trained = trained
        return model
