"""Three-step random walk on the user-item graph from the items of a history (P3α; Cooper et al., WWW 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import NonNegativeFloat, PositiveInt

from foretaste.models.neighbours.item_to_item import ItemToItem
from foretaste.models.neighbours.weights import ItemWeights, random_walk_weights
from foretaste.models.recency import RecencyConfig

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import Run


class PlainWalkConfig(RecencyConfig):
    """Settings of `p3alpha`."""

    neighbours: PositiveInt = 50
    """How many of the largest weights are kept for each item."""
    alpha: NonNegativeFloat = 1.0
    """Exponent of the transition probabilities; 1 is the random walk, smaller gives active users more weight."""


class PlainWalk(ItemToItem):
    """score(i) = Σ over j in the history of Σ_u (p_ju p_ui)^α, with p_ju = 1 / c_j and p_ui = 1 / |u|.

    c_j counts the users of item j, |u| the items of user u.

    weights : item-to-item transition weights, at most `neighbours` per target item
    """

    name = "p3alpha"
    config_class = PlainWalkConfig
    grid = (
        PlainWalkConfig(),
        *(
            PlainWalkConfig(neighbours=k, alpha=a)
            for k, a in ((20, 1.0), (100, 1.0), (200, 1.0), (50, 0.7), (200, 0.5))
        ),
    )

    def fit_weights(self, train: Dataset, run: Run) -> ItemWeights:
        return random_walk_weights(train, self.config.alpha, 0.0, self.config.neighbours, run, "p3alpha")
