"""Preference elicitation: the most informative items to show to a new user (for labels see labels.py)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.types import Queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.dataset import Dataset
    from foretaste.protocols import Scorer
    from foretaste.types import BoolArray, FloatArray, IntArray

NO_ITEMS = np.zeros(0, np.int32)
MAX_CHOICES = 50
"""How many of the latest choices the next picks depend on."""


class OnboardingConfig(Config):
    """The defaults were chosen on held-out users of MovieLens (benchmarks/onboarding.py)."""

    well_known: PositiveInt = 300
    """How many of the most popular items are candidates: users can only judge items they have heard of."""
    catalogue: PositiveInt = 5_000
    """How many of the most popular items the picks should cover; the rest has few events."""
    breadth: NonNegativeFloat = 0.25
    """κ: exponent of the coverage, relative to the probability that the user knows the item."""
    carries: float = Field(default=0.3, ge=0, le=1)
    """β: probability that a user who chose an item knows another one of affinity 1 to it."""
    passed: float = Field(default=0.3, ge=0, le=1)
    """γ: probability that a user who passed over an item does not know another one of affinity 1 to it."""
    fully: PositiveFloat = 6.0
    """Standard deviations above the mean score at which the affinity is 1."""


@dataclass(frozen=True, eq=False)
class ItemPicker:
    """Greedy selection of well-known items that cover the catalogue, adapted to the choices made so far.

    The next pick is the i with the largest P(i) · (Σ_j w(j) u(j) n(i, j))^κ: an item the user probably knows, with
    affinity to items that are not covered yet. u(j) = Π (1 − P(k) n(k, j)) over the picks k, and with P = 1 over the
    chosen items (probabilistic coverage; El-Arini et al., KDD 2009). Choices change what the user probably knows:
    P(i) = 1 − (1 − p(i) Π_passed (1 − γ n(k, i))) Π_chosen (1 − β n(k, i)), with p the share of users with item i.
    With κ = 1 and P = 1 it is coverage alone, which asks for items that few users know (docs/log.md).

    items    : (C,) int32 codes of the candidates, the most popular first
    weight   : (N,) float32 w, the share of each item to be covered in their popularity
    known    : (C,) float32 p
    affinity : n between items and the N items to be covered; None picks by popularity alone
    table    : (C, N) float32 n of `items`; None without `affinity`
    """

    config: OnboardingConfig
    items: IntArray
    weight: FloatArray
    known: FloatArray
    affinity: ItemAffinity | None
    table: FloatArray | None

    @classmethod
    def of(
        cls,
        models: Sequence[Scorer],
        popularity: FloatArray,
        people: int,
        allowed: BoolArray | None = None,
        config: OnboardingConfig | None = None,
        *,
        kind: int = 0,
    ) -> Self:
        """
        models     : fitted models whose scores define the affinity; without any, picks are by popularity alone
        popularity : (n_items,) number of users, or of events, of each item
        people     : number of users
        allowed    : (n_items,) the only items that may ever be shown
        kind       : code of a positive event kind, for the queries to the models
        """
        config = config or OnboardingConfig()
        order = np.argsort(-popularity, kind="stable").astype(np.int32)
        order = order[popularity[order] > 0]
        items = (order if allowed is None else order[allowed[order]])[: config.well_known]
        covered = order[: config.catalogue]
        covered = np.concatenate([covered, items[~np.isin(items, covered)]])
        weight = popularity[covered] / max(float(popularity[covered].sum()), 1e-12)
        # With repeated events, the most popular item may have more events than there are users.
        known = popularity[items] / max(people, float(popularity.max(initial=1)))
        affinity = ItemAffinity.of(models, items, covered, config.fully, kind) if models and len(items) else None
        table = None if affinity is None else affinity(items)
        return cls(config, items, weight.astype(np.float32), known.astype(np.float32), affinity, table)

    def pick(
        self,
        n: int,
        chosen: IntArray = NO_ITEMS,
        passed: IntArray = NO_ITEMS,
        liked: IntArray = NO_ITEMS,
        allowed: BoolArray | None = None,
    ) -> IntArray:
        """(≤ n,) int32 codes of the items to show next, the most informative first.

        chosen  : (c,) codes the user chose so far, of the whole catalogue; not shown again
        passed  : (p,) codes shown and not chosen; not shown again
        liked   : (l,) codes that stand in for chosen labels; count as chosen, and may be shown
        allowed : (n_items,) the only items that may be shown now
        """
        out = np.isin(self.items, np.concatenate([chosen, passed]))
        if allowed is not None:
            out |= ~allowed[self.items]
        n = min(n, int((~out).sum()))
        if self.affinity is None or self.table is None:
            return self.items[~out][:n]  # the most popular come first
        config, uncovered, known = self.config, self.weight, self.known
        if config.passed and len(passed):
            known = known * (1 - config.passed * self._affinities(passed[-MAX_CHOICES:])[:, self._positions]).prod(
                axis=0
            )
        if len(positive := np.concatenate([liked, chosen])[-MAX_CHOICES:]):
            affinity = self._affinities(positive)
            known = 1 - (1 - known) * (1 - config.carries * affinity[:, self._positions]).prod(axis=0)
            uncovered = uncovered * (1 - affinity).prod(axis=0)
        picks = np.zeros(n, np.int64)
        for rank in range(n):
            value = known * (self.table @ uncovered) ** config.breadth
            value[out] = -1
            best = picks[rank] = int(np.argmax(value))
            out[best] = True
            uncovered = uncovered * (1 - known[best] * self.table[best])
        return self.items[picks]

    def _affinities(self, items: IntArray) -> FloatArray:
        """(B, N) float32 n of any items (B,); those of candidates are in `table`."""
        assert self.affinity is not None
        assert self.table is not None
        row_of = self._row_of
        rows = np.array([row_of.get(item, -1) for item in items.tolist()], np.int64)
        affinities: FloatArray = self.table[rows]
        if (rows < 0).any():
            affinities[rows < 0] = self.affinity(items[rows < 0])
        return affinities

    @cached_property
    def _row_of(self) -> dict[int, int]:
        return {item: row for row, item in enumerate(self.items.tolist())}

    @cached_property
    def _positions(self) -> IntArray:
        """(C,) the position of each candidate among the items to be covered."""
        assert self.affinity is not None
        order = np.argsort(self.affinity.covered)
        positions: IntArray = order[np.searchsorted(self.affinity.covered[order], self.items)].astype(np.int32)
        return positions


class ItemAffinity:
    """n(i, j) in [0, 1]: how much higher j scores for a user with item i alone than for users with other candidates.

    For each model (s(i, j) − mean) / (fully · standard deviation), both over the candidates i, clipped to [0, 1]. So
    values are comparable whatever the model's scale and the popularity of j. n is their mean over the models, which
    averages out the errors of single models; n(i, i) = 1.
    """

    def __init__(self, models: Sequence[Scorer], covered: IntArray, kind: int = 0) -> None:
        """covered : (N,) the items j"""
        self.covered = covered
        self._models = models
        self._kind = kind
        self._scales: list[tuple[FloatArray, FloatArray]] = []

    @classmethod
    def of(cls, models: Sequence[Scorer], items: IntArray, covered: IntArray, fully: float, kind: int = 0) -> Self:
        """items : (C,) the candidates, over which mean and standard deviation are taken"""
        affinity = cls(models, covered, kind)
        for model in models:
            scores = affinity._scores(model, items)
            spread = scores.std(axis=0)
            scale = np.where(spread > 0, fully * spread, np.inf).astype(np.float32)
            affinity._scales.append((scores.mean(axis=0), scale))
        return affinity

    def __call__(self, items: IntArray) -> FloatArray:
        """(B, N) float32 n of any items (B,)."""
        n = np.zeros((len(items), len(self.covered)), np.float32)
        for model, (mean, scale) in zip(self._models, self._scales, strict=True):
            n += np.clip((self._scores(model, items) - mean) / scale, 0, 1) / len(self._models)
        n[items[:, None] == self.covered] = 1
        return n

    def _scores(self, model: Scorer, items: IntArray) -> FloatArray:
        """(B, N) float32 scores for users with one of `items` alone; 0 where the model has none."""
        targets = np.ascontiguousarray(np.broadcast_to(self.covered, (len(items), len(self.covered))))
        queries = Queries.guests(list(items[:, None]))
        queries.history.kind[:] = self._kind
        return np.nan_to_num(model.score(queries, targets).astype(np.float32))


def popularity_of(train: Dataset) -> FloatArray:
    """(n_items,) float32 number of users of each item."""
    popularity: FloatArray = np.asarray(train.matrix().sum(axis=0)).ravel().astype(np.float32)
    return popularity
