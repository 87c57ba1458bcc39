"""Association rules between pairs of items, "users of A also used B", with support, confidence and lift.

Agrawal, Imieliński & Swami, SIGMOD 1993; lift after Brin et al., SIGMOD 1997, shrunk towards 1 for few users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from pydantic import NonNegativeFloat, PositiveInt
from scipy.sparse import csr_array

from foretaste.models.neighbours.item_to_item import ItemToItem
from foretaste.models.neighbours.weights import ItemWeights, nearest_items
from foretaste.models.recency import RecencyConfig
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.types import FloatArray, IntArray, Run


class RulesConfig(RecencyConfig):
    """Settings of `rules`."""

    speaks: Literal["confidence", "lift", "both"] = "both"
    """Weight of a rule in the score: its confidence, the log of its lift, or their product."""
    shrinkage: NonNegativeFloat = 50.0
    """Users added to both sides of lift and to the denominator of confidence, so that few users give low weight."""
    min_people: PositiveInt = 2
    """Minimum number of users with both items."""
    rules_per_item: PositiveInt = 200
    """How many of the heaviest rules are kept per target item."""


class Rule(NamedTuple):
    """given → then: users of item `given` also used item `then`."""

    given: int
    then: int
    people: int
    """Users with both items."""
    support: float
    """Their share of all users."""
    confidence: float
    """Their share of the users of `given`."""
    lift: float
    """Confidence divided by the share of all users with `then`; 1 is chance level. Shrunk."""


class Rules(ItemToItem):
    """score(B) = Σ over A in the history of w(A → B), w = conf, log₂ lift or conf · log₂ lift as `speaks` says.

    conf(A → B) = n_AB / (n_A + s) and lift(A → B) = (n_AB + s) / (n_A n_B / n + s), for n users and shrinkage s. Only
    rules with lift > 1 are kept.

    pair_count : (n_items, n_items) CSR float32; row A: the number of users of both A and B, for each rule A → B
    item_count : (n_items,) float32, the number of users of each item
    n_users    : the number of users with any item
    """

    name = "rules"
    config_class = RulesConfig
    grid = (
        RulesConfig(),
        RulesConfig(speaks="lift"),
        RulesConfig(speaks="confidence", rules_per_item=20),
        RulesConfig(speaks="confidence", rules_per_item=100),
        RulesConfig(shrinkage=10.0),
        RulesConfig(shrinkage=200.0),
    )
    pair_count: csr_array
    item_count: FloatArray
    n_users: int

    def fit_weights(self, train: Dataset, run: Run) -> ItemWeights:
        X = train.matrix()
        self.item_count = np.asarray(X.sum(axis=0), np.float32)
        self.n_users = int((np.diff(X.indptr) > 0).sum())

        def weigh(target: IntArray, source: IntArray, overlap: FloatArray) -> FloatArray:
            return self._weight(source, target, overlap)

        pairs = nearest_items(csr_array(X.T), X, weigh, self.config.rules_per_item, run, "rules", keep="overlap")
        given = np.repeat(np.arange(train.n_items, dtype=np.int32), np.diff(pairs.indptr))
        pairs.data[self._weight(given, pairs.indices, pairs.data) <= 0] = 0
        pairs.eliminate_zeros()
        return self._weights_of_pairs(pairs, train.kinds.weights)

    def _weights_of_pairs(self, pair_count: csr_array, kind_weight: FloatArray) -> ItemWeights:
        self.pair_count = pair_count
        given = np.repeat(np.arange(pair_count.shape[0], dtype=np.int32), np.diff(pair_count.indptr))
        weight = self._weight(given, pair_count.indices, pair_count.data)
        table = csr_array((weight, pair_count.indices, pair_count.indptr), shape=pair_count.shape)
        return ItemWeights(table, kind_weight)

    def _weight(self, given: IntArray, then: IntArray, overlap: FloatArray) -> FloatArray:
        """w(A → B), elementwise; 0 for pairs that are no rule."""
        s = np.float32(self.config.shrinkage)
        log_lift = np.log2(np.maximum(self._lift(given, then, overlap), 1))
        confidence = overlap / (self.item_count[given] + s)
        weight = {"confidence": confidence, "lift": log_lift, "both": confidence * log_lift}[self.config.speaks]
        return np.where((overlap >= self.config.min_people) & (log_lift > 0), weight, 0).astype(np.float32)

    def _lift(self, given: IntArray, then: IntArray, overlap: FloatArray) -> FloatArray:
        s = np.float32(self.config.shrinkage)
        expected = self.item_count[given] * self.item_count[then] / np.float32(max(self.n_users, 1))
        return np.asarray((overlap + s) / (expected + s), np.float32)

    def rules_for(self, history: IntArray, item: int) -> list[Rule]:
        """The rules from items of the history to `item`, by descending weight."""
        weights = fitted(self.weights, self)
        weight = weights.contributions(history, np.array([item], np.int32))[0]
        order = np.argsort(-weight, kind="stable")
        return [self._rule(int(history[h]), item) for h in order if weight[h] > 0]

    def strongest(self, k: int) -> list[Rule]:
        """The k heaviest rules of all."""
        weights = fitted(self.weights, self).weights.tocoo()
        order = np.argsort(-weights.data, kind="stable")[:k]
        return [self._rule(int(weights.coords[0][e]), int(weights.coords[1][e])) for e in order]

    def _rule(self, given: int, then: int) -> Rule:
        overlap = float(self.pair_count[given, then])
        pair = np.array([given], np.int32), np.array([then], np.int32), np.array([overlap], np.float32)
        lift = float(self._lift(*pair)[0])
        return Rule(given, then, int(overlap), overlap / self.n_users, overlap / float(self.item_count[given]), lift)

    def save(self, folder: Path | str) -> None:
        kind_weight = fitted(self.weights, self).kind_weight
        counts = {"count": self.item_count, "people": np.array([self.n_users]), "kind_weight": kind_weight}
        write_model(folder, self.config, {**sparse_arrays("together", self.pair_count), **counts})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, RulesConfig)
        model = cls(config)
        model.item_count, model.n_users = arrays["count"].astype(np.float32), int(arrays["people"].item())
        model.weights = model._weights_of_pairs(
            sparse_matrix("together", arrays), arrays["kind_weight"].astype(np.float32)
        )
        return model
