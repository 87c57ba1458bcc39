"""Recommend by rules: "who took A also took B", with how many, how surely, and against how much chance.

Agrawal, Imieliński & Swami, SIGMOD 1993; lift after Brin et al., SIGMOD 1997, drawn to 1 where it rests on few people.
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
    speaks: Literal["confidence", "lift", "both"] = "both"
    """What a rule weighs in the score: its confidence, the log of its lift, or their product."""
    shrinkage: NonNegativeFloat = 50.0
    """People added to either side of lift and to the denominator of confidence: three of three is not yet always."""
    min_people: PositiveInt = 2
    """A rule needs so many people who took both."""
    rules_per_item: PositiveInt = 200
    """How many rules may lead to one item."""


class Rule(NamedTuple):
    """Who took `given` also took `then`."""

    given: int
    then: int
    people: int
    """Who took both."""
    support: float
    """Their share of everybody."""
    confidence: float
    """Their share of those who took `given`."""
    lift: float
    """Confidence beside the share of everybody who took `then`; 1 is chance."""


class Rules(ItemToItem):
    """score(B) = Σ over A in the history of w(A → B), w = conf, log₂ lift or conf · log₂ lift as `speaks` says.

    conf(A → B) = n_AB / (n_A + s) and lift(A → B) = (n_AB + s) / (n_A n_B / n + s), for n people and shrinkage s. Only
    rules better than chance are kept: lift > 1.

    together : (n_items, n_items) CSR float32; row A: how many took A and B, for each rule A → B
    count    : (n_items,) float32, how many took each item
    people   : how many there are who took anything
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
    together: csr_array
    count: FloatArray
    people: int

    def fit_weights(self, train: Dataset, run: Run) -> ItemWeights:
        X = train.matrix()
        self.count = np.asarray(X.sum(axis=0), np.float32)
        self.people = int((np.diff(X.indptr) > 0).sum())

        def weigh(target: IntArray, source: IntArray, met: FloatArray) -> FloatArray:
            return self._weight(source, target, met)

        found = nearest_items(csr_array(X.T), X, weigh, self.config.rules_per_item, run, "rules", keep="met")
        given = np.repeat(np.arange(train.n_items, dtype=np.int32), np.diff(found.indptr))
        found.data[self._weight(given, found.indices, found.data) <= 0] = 0
        found.eliminate_zeros()
        return self._remember(found, train.kinds.weights)

    def _remember(self, together: csr_array, kind_weight: FloatArray) -> ItemWeights:
        self.together = together
        given = np.repeat(np.arange(together.shape[0], dtype=np.int32), np.diff(together.indptr))
        weight = self._weight(given, together.indices, together.data)
        table = csr_array((weight, together.indices, together.indptr), shape=together.shape)
        return ItemWeights(table, kind_weight)

    def _weight(self, given: IntArray, then: IntArray, met: FloatArray) -> FloatArray:
        """w(A → B), elementwise; 0 for what is no rule."""
        s = np.float32(self.config.shrinkage)
        surprise = np.log2(np.maximum(self._lift(given, then, met), 1))
        confidence = met / (self.count[given] + s)
        weight = {"confidence": confidence, "lift": surprise, "both": confidence * surprise}[self.config.speaks]
        return np.where((met >= self.config.min_people) & (surprise > 0), weight, 0).astype(np.float32)

    def _lift(self, given: IntArray, then: IntArray, met: FloatArray) -> FloatArray:
        s = np.float32(self.config.shrinkage)
        by_chance = self.count[given] * self.count[then] / np.float32(max(self.people, 1))
        return np.asarray((met + s) / (by_chance + s), np.float32)

    def rules_for(self, history: IntArray, item: int) -> list[Rule]:
        """The rules that lead from what a person did to an item, the weightiest first."""
        weights = fitted(self.weights, self)
        said = weights.contributions(history, np.array([item], np.int32))[0]
        order = np.argsort(-said, kind="stable")
        return [self._rule(int(history[h]), item) for h in order if said[h] > 0]

    def strongest(self, k: int) -> list[Rule]:
        """The k weightiest rules of all."""
        weights = fitted(self.weights, self).weights.tocoo()
        order = np.argsort(-weights.data, kind="stable")[:k]
        return [self._rule(int(weights.coords[0][e]), int(weights.coords[1][e])) for e in order]

    def _rule(self, given: int, then: int) -> Rule:
        met = float(self.together[given, then])
        pair = np.array([given], np.int32), np.array([then], np.int32), np.array([met], np.float32)
        lift = float(self._lift(*pair)[0])
        return Rule(given, then, int(met), met / self.people, met / float(self.count[given]), lift)

    def save(self, folder: Path | str) -> None:
        kind_weight = fitted(self.weights, self).kind_weight
        counts = {"count": self.count, "people": np.array([self.people]), "kind_weight": kind_weight}
        write_model(folder, self.config, {**sparse_arrays("together", self.together), **counts})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, RulesConfig)
        model = cls(config)
        model.count, model.people = arrays["count"].astype(np.float32), int(arrays["people"].item())
        model.weights = model._remember(sparse_matrix("together", arrays), arrays["kind_weight"].astype(np.float32))
        return model
