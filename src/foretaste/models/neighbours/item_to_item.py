"""Base class of models with sparse item-to-item weights: fit, recommend, score, explain, save and load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from foretaste.models.neighbours.weights import ItemWeights
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class ItemToItem(ABC):
    """score = x W for a recency-weighted history x. A subclass has a name, settings and `fit_weights`.

    config  : a `RecencyConfig`
    weights : W with the weights of event kinds; None before `fit`
    """

    name: ClassVar[str]
    config_class: ClassVar[type[Any]]
    grid: ClassVar[tuple[Any, ...]]
    weights: ItemWeights | None = None

    def __init__(self, config: Any = None) -> None:
        self.config: Any = config or self.config_class()

    @abstractmethod
    def fit_weights(self, train: Dataset, run: Run) -> ItemWeights:
        """The sparse item-to-item weights W learned from `train`."""

    def fit(self, train: Dataset, run: Run) -> Self:
        self.weights = self.fit_weights(train, run)
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        return fitted(self.weights, self).recommend(queries, k, self.name, exclude, allowed, self._half_life)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return fitted(self.weights, self).score(queries, items, self._half_life)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event of the history to each item's score; a row sums to the score."""
        return fitted(self.weights, self).contributions(history, items, self._half_life)

    @property
    def _half_life(self) -> float | None:
        events: float | None = self.config.half_life_events
        return events

    def save(self, folder: Path | str) -> None:
        write_model(folder, self.config, fitted(self.weights, self).arrays())

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, cls.config_class)
        model = cls(config)
        model.weights = ItemWeights.of_arrays(arrays)
        return model
