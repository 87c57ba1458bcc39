"""Recommend what was taken by the same people (Sarwar et al. 2001; shrinkage after Bell & Koren 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array, diags_array

from foretaste.models.neighbours.item_to_item import ItemToItem
from foretaste.models.neighbours.similarity import Similarity, alike, feature_weights, sizes
from foretaste.models.neighbours.weights import ItemWeights, nearest_items
from foretaste.models.recency import RecencyConfig

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import FloatArray, IntArray, Run


class ItemKNNConfig(RecencyConfig):
    neighbours: PositiveInt = 200
    """How many of the nearest items may speak for an item."""
    shrinkage: NonNegativeFloat = 20.0
    """Added to the denominator: two items that met twice are not yet friends. bm25 has no denominator."""
    similarity: Similarity = "cosine"
    """cosine, jaccard, or tfidf and bm25, in which people who take everything say little."""


class ItemKNN(ItemToItem):
    """score(i) = sum over j in the history of c_ij / (sqrt(c_i c_j) + shrinkage), over the nearest j of i.

    c counts people; the other similarities are in `similarity.py`, with people as features of items.

    weights : what each item says for each other one, at most `neighbours` for each
    """

    name = "itemknn"
    config_class = ItemKNNConfig
    grid = (
        ItemKNNConfig(),
        *(ItemKNNConfig(neighbours=k, shrinkage=s) for k, s in ((50, 20.0), (200, 100.0), (1000, 5.0))),
        ItemKNNConfig(similarity="tfidf"),
        ItemKNNConfig(similarity="bm25"),
    )

    def fit_weights(self, train: Dataset, run: Run) -> ItemWeights:
        how, shrinkage = self.config.similarity, self.config.shrinkage
        X = train.matrix()
        people = csr_array(X.T)
        loud = feature_weights(how, np.diff(X.indptr), train.n_items)
        size = sizes(how, people, loud)
        mean = float(size.mean()) if len(size) else 0.0

        def weigh(target: IntArray, source: IntArray, met: FloatArray) -> FloatArray:
            return alike(how, met, size[target], size[source], shrinkage=shrinkage, mean=mean)

        left = people if how in ("cosine", "jaccard") else csr_array(people @ diags_array(loud))
        nearest = nearest_items(left, X, weigh, self.config.neighbours, run, "itemknn")
        return ItemWeights(nearest, train.kinds.weights)
