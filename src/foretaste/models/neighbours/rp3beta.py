"""A random walk of three steps from what a person did, the popular pushed back (RP3β; Paudel et al., TiiS 2017)."""

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


class WalkConfig(Config):
    neighbours: PositiveInt = 200
    """How many items may speak for an item."""
    alpha: NonNegativeFloat = 1.0
    """Exponent of each step's probability; 1 is a walk, smaller listens more to long histories."""
    beta: NonNegativeFloat = 0.6
    """How strongly popular items are pushed back; 0 is P3α."""


class RandomWalk:
    """score(i) = Σ over j in the history of Σ_u (p_ju p_ui)^α / c_i^β, with p_ju = 1 / c_j and p_ui = 1 / |u|.

    weights : what each item says for each other one, at most `neighbours` for each
    """

    config_class = WalkConfig
    grid = (
        WalkConfig(),
        *(WalkConfig(alpha=a, beta=b) for a, b in ((0.7, 0.4), (1.0, 0.3), (1.0, 0.8))),
        *(WalkConfig(neighbours=k, beta=b) for k, b in ((50, 0.3), (100, 0.4))),
    )
    weights: ItemWeights | None = None

    def __init__(self, config: WalkConfig | None = None) -> None:
        self.config = config or WalkConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        alpha, beta = self.config.alpha, self.config.beta
        self.weights = walk(train, alpha, beta, self.config.neighbours, run, "rp3beta")
        return self

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        return fitted(self.weights, self).recommend(queries, k, "rp3beta", exclude, allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return fitted(self.weights, self).score(queries, items)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        return fitted(self.weights, self).contributions(history, items)

    def save(self, folder: Path) -> None:
        write_model(folder, self.config, fitted(self.weights, self).arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        config, arrays = read_model(folder, WalkConfig)
        model = cls(config)
        model.weights = ItemWeights.of_arrays(arrays)
        return model
