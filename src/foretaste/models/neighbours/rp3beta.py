"""Three-step random walk on the user-item graph with a popularity penalty (RP3β; Paudel et al., TiiS 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import NonNegativeFloat, PositiveInt

from foretaste.models.neighbours.item_to_item import ItemToItem
from foretaste.models.neighbours.weights import ItemWeights, random_walk_weights
from foretaste.models.recency import RecencyConfig

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import Run


class WalkConfig(RecencyConfig):
    """Settings of `rp3beta`."""

    neighbours: PositiveInt = 200
    """How many of the largest weights are kept for each item."""
    alpha: NonNegativeFloat = 1.0
    """Exponent of the transition probabilities; 1 is the random walk, smaller gives active users more weight."""
    beta: NonNegativeFloat = 0.6
    """Exponent of the popularity penalty; 0 is P3α."""


class RandomWalk(ItemToItem):
    """score(i) = Σ over j in the history of Σ_u (p_ju p_ui)^α / c_i^β, with p_ju = 1 / c_j and p_ui = 1 / |u|.

    c_j counts the users of item j, |u| the items of user u.

    weights : item-to-item transition weights, at most `neighbours` per target item
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
        return random_walk_weights(train, alpha, beta, self.config.neighbours, run, "rp3beta")
