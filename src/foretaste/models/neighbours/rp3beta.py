"""A random walk of three steps from what a person did, the popular pushed back (RP3β; Paudel et al., TiiS 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import NonNegativeFloat, PositiveInt

from foretaste.models.neighbours.item_to_item import ItemToItem
from foretaste.models.neighbours.weights import ItemWeights, walk
from foretaste.models.recency import RecencyConfig

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import Run


class WalkConfig(RecencyConfig):
    neighbours: PositiveInt = 200
    """How many items may speak for an item."""
    alpha: NonNegativeFloat = 1.0
    """Exponent of each step's probability; 1 is a walk, smaller listens more to long histories."""
    beta: NonNegativeFloat = 0.6
    """How strongly popular items are pushed back; 0 is P3α."""


class RandomWalk(ItemToItem):
    """score(i) = Σ over j in the history of Σ_u (p_ju p_ui)^α / c_i^β, with p_ju = 1 / c_j and p_ui = 1 / |u|.

    weights : what each item says for each other one, at most `neighbours` for each
    """

    name = "rp3beta"
    config_class = WalkConfig
    grid = (
        WalkConfig(),
        *(WalkConfig(alpha=a, beta=b) for a, b in ((0.7, 0.4), (1.0, 0.3), (1.0, 0.8))),
        *(WalkConfig(neighbours=k, beta=b) for k, b in ((50, 0.3), (100, 0.4))),
    )

    def fit_weights(self, train: Dataset, run: Run) -> ItemWeights:
        alpha, beta = self.config.alpha, self.config.beta
        return walk(train, alpha, beta, self.config.neighbours, run, "rp3beta")
