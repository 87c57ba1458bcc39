"""Item-based k-nearest neighbours (Sarwar et al., WWW 2001; shrinkage after Bell & Koren, ICDM 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array, diags_array

from foretaste.models.neighbours.item_to_item import ItemToItem
from foretaste.models.neighbours.similarity import Similarity, feature_weights, pair_similarity, row_sizes
from foretaste.models.neighbours.weights import ItemWeights, nearest_items
from foretaste.models.recency import RecencyConfig

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import FloatArray, IntArray, Run


class ItemKNNConfig(RecencyConfig):
    """Settings of `itemknn`."""

    neighbours: PositiveInt = 200
    """How many of the most similar items are kept for each item."""
    shrinkage: NonNegativeFloat = 20.0
    """Added to the denominator, so that similarities from few common users are small. bm25 has no denominator."""
    similarity: Similarity = "cosine"
    """cosine, jaccard, or tfidf and bm25, in which very active users count little."""


class ItemKNN(ItemToItem):
    """score(i) = Σ over j in the history of c_ij / (√(c_i c_j) + shrinkage), for those j among the nearest of i.

    c counts users. The other similarities are in `similarity.py`, with users as the features of items.

    weights : item-to-item similarities, at most `neighbours` per target item
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
        similarity, shrinkage = self.config.similarity, self.config.shrinkage
        X = train.matrix()
        users_of = csr_array(X.T)
        user_weight = feature_weights(similarity, np.diff(X.indptr), train.n_items)
        size = row_sizes(similarity, users_of, user_weight)
        mean = float(size.mean()) if len(size) else 0.0

        def weigh(target: IntArray, source: IntArray, overlap: FloatArray) -> FloatArray:
            return pair_similarity(similarity, overlap, size[target], size[source], shrinkage=shrinkage, mean=mean)

        left = users_of if similarity in ("cosine", "jaccard") else csr_array(users_of @ diags_array(user_weight))
        nearest = nearest_items(left, X, weigh, self.config.neighbours, run, "itemknn")
        return ItemWeights(nearest, train.kinds.weights)
