"""A random walk of three steps from what a person did (P3α; Cooper et al., WWW 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import NonNegativeFloat, PositiveInt

from foretaste.config import Config
from foretaste.models.neighbours.weights import ItemWeights, walk
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run


class PlainWalkConfig(Config):
    neighbours: PositiveInt = 50
    """How many items may speak for an item."""
    alpha: NonNegativeFloat = 1.0
    """Exponent of each step's probability; 1 is a walk, smaller listens more to long histories."""


class PlainWalk:
    """score(i) = Σ over j in the history of Σ_u (p_ju p_ui)^α, with p_ju = 1 / c_j and p_ui = 1 / |u|.

    weights : what each item says for each other one, at most `neighbours` for each
    """

    config_class = PlainWalkConfig
    grid = (
        PlainWalkConfig(),
        *(
            PlainWalkConfig(neighbours=k, alpha=a)
            for k, a in ((20, 1.0), (100, 1.0), (200, 1.0), (50, 0.7), (200, 0.5))
        ),
    )
    weights: ItemWeights | None = None

    def __init__(self, config: PlainWalkConfig | None = None) -> None:
        self.config = config or PlainWalkConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        self.weights = walk(train, self.config.alpha, 0.0, self.config.neighbours, run, "p3alpha")
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        return fitted(self.weights, self).recommend(queries, k, "p3alpha", exclude, allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return fitted(self.weights, self).score(queries, items)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        return fitted(self.weights, self).contributions(history, items)

    def save(self, folder: Path) -> None:
        write_model(folder, self.config, fitted(self.weights, self).arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        config, arrays = read_model(folder, PlainWalkConfig)
        model = cls(config)
        model.weights = ItemWeights.of_arrays(arrays)
        return model
