"""What do you like? The few items to show to a new person whose choice tells most; for labels see labels.py."""

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

NOTHING = np.zeros(0, np.int32)
READ = 50
"""The latest choices that the next picks are made from."""


class OnboardingConfig(Config):
    """The defaults were chosen on people of MovieLens whom nobody had met (benchmarks/onboarding.py)."""

    well_known: PositiveInt = 300
    """Picks are among so many most popular items: nobody can say whether they like what they never heard of."""
    catalogue: PositiveInt = 5_000
    """Most popular items that the picks shall speak for; the rest is hardly ever taken."""
    breadth: NonNegativeFloat = 0.25
    """κ: how much it counts what a pick speaks for, beside that people know it at all."""
    carries: float = Field(default=0.3, ge=0, le=1)
    """β: how surely somebody who chose an item knows another one that is fully near to it."""
    passed: float = Field(default=0.3, ge=0, le=1)
    """γ: how surely somebody who passed over an item does not know such another one."""
    fully: PositiveFloat = 6.0
    """Standard deviations above what other items say of an item at which one is fully near to it."""


@dataclass(frozen=True, eq=False)
class ItemPicker:
    """Well-known items, the most telling first, and after each choice the next.

    The next pick is the i with the largest P(i) · (Σ_j w(j) u(j) n(i, j))^κ: the person shall know it, and it shall
    speak for what nothing speaks for yet. u(j) = Π (1 − P(k) n(k, j)) over the picks k, and with P = 1 over what was
    chosen (probabilistic coverage; El-Arini et al., KDD 2009). Whoever chose k knows its like, whoever passed over k
    knows it less: P(i) = 1 − (1 − p(i) Π_passed (1 − γ n(k, i))) Π_chosen (1 − β n(k, i)), with p the share of people
    who know i. With κ = 1 and P = 1 it would be coverage alone, which asks for what few people know (docs/log.md).

    items  : (C,) codes of well-known items, the most popular first
    weight : (N,) w, how much people take each item to speak for; sums to 1
    known  : (C,) p
    near   : n, between `items` and the items to speak for; None picks by popularity alone
    table  : (C, N) n of `items`; None where there is no `near`
    """

    config: OnboardingConfig
    items: IntArray
    weight: FloatArray
    known: FloatArray
    near: Nearness | None
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
        """models     : what says which items go with which; with none, picks are by popularity alone
        popularity : (n_items,) how many people took each item, or how often they did
        people     : of so many
        allowed    : (n_items,) the only items that may ever be shown
        kind       : of the event by which somebody takes an item; one that is wanted
        """
        config = config or OnboardingConfig()
        order = np.argsort(-popularity, kind="stable").astype(np.int32)
        order = order[popularity[order] > 0]
        items = (order if allowed is None else order[allowed[order]])[: config.well_known]
        about = order[: config.catalogue]
        about = np.concatenate([about, items[~np.isin(items, about)]])
        weight = popularity[about] / max(float(popularity[about].sum()), 1e-12)
        # Where people take things again and again, the most popular was taken more often than there are people.
        known = popularity[items] / max(people, float(popularity.max(initial=1)))
        near = Nearness.of(models, items, about, config.fully, kind) if models and len(items) else None
        table = None if near is None else near(items)
        return cls(config, items, weight.astype(np.float32), known.astype(np.float32), near, table)

    def pick(
        self,
        n: int,
        chosen: IntArray = NOTHING,
        passed: IntArray = NOTHING,
        liked: IntArray = NOTHING,
        allowed: BoolArray | None = None,
    ) -> IntArray:
        """(≤ n,) items to show next, the most telling first.

        chosen  : (c,) what the person chose so far, of the whole catalogue; not shown again
        passed  : (p,) what they saw and did not choose; not shown again
        liked   : (l,) what stands for labels they chose; it counts as chosen, and may be shown
        allowed : (n_items,) the only items that may be shown now
        """
        out = np.isin(self.items, np.concatenate([chosen, passed]))
        if allowed is not None:
            out |= ~allowed[self.items]
        n = min(n, int((~out).sum()))
        if self.near is None or self.table is None:
            return self.items[~out][:n]  # the most popular come first
        config, silent, known = self.config, self.weight, self.known
        if config.passed and len(passed):
            known = known * (1 - config.passed * self._near(passed[-READ:])[:, self._places]).prod(axis=0)
        if len(taken := np.concatenate([liked, chosen])[-READ:]):
            near = self._near(taken)
            known = 1 - (1 - known) * (1 - config.carries * near[:, self._places]).prod(axis=0)
            silent = silent * (1 - near).prod(axis=0)
        picks = np.zeros(n, np.int64)
        for place in range(n):
            worth = known * (self.table @ silent) ** config.breadth
            worth[out] = -1
            best = picks[place] = int(np.argmax(worth))
            out[best] = True
            silent = silent * (1 - known[best] * self.table[best])
        return self.items[picks]

    def _near(self, items: IntArray) -> FloatArray:
        """(B, N) n of any items; what was shown was compared before."""
        assert self.near is not None
        assert self.table is not None
        place = self._place_of
        rows = np.array([place.get(item, -1) for item in items.tolist()], np.int64)
        near: FloatArray = self.table[rows]
        if (rows < 0).any():
            near[rows < 0] = self.near(items[rows < 0])
        return near

    @cached_property
    def _place_of(self) -> dict[int, int]:
        return {item: place for place, item in enumerate(self.items.tolist())}

    @cached_property
    def _places(self) -> IntArray:
        """(C,) where each of `items` stands among the items to speak for."""
        assert self.near is not None
        order = np.argsort(self.near.about)
        places: IntArray = order[np.searchsorted(self.near.about[order], self.items)].astype(np.int32)
        return places


class Nearness:
    """n(i, j), 0 to 1: how much more somebody who took i alone wants j than those who took other well-known items do.

    For each model (s(i, j) − mean) / (fully · standard deviation), both over well-known items i and without what is
    below 0 and above 1: whatever a model's scale, and however popular j, the numbers can be compared. n is their mean
    over the models, for one errs where others do not; n(i, i) = 1.
    """

    def __init__(self, models: Sequence[Scorer], about: IntArray, kind: int = 0) -> None:
        """about : (N,) the items j"""
        self.about = about
        self._models = models
        self._kind = kind
        self._scales: list[tuple[FloatArray, FloatArray]] = []

    @classmethod
    def of(cls, models: Sequence[Scorer], items: IntArray, about: IntArray, fully: float, kind: int = 0) -> Self:
        """items : (C,) the well-known ones"""
        found = cls(models, about, kind)
        for model in models:
            said = found._said(model, items)
            spread = said.std(axis=0)
            found._scales.append((said.mean(axis=0), np.where(spread > 0, fully * spread, np.inf).astype(np.float32)))
        return found

    def __call__(self, items: IntArray) -> FloatArray:
        """(B, N) of these items, whichever they are."""
        near = np.zeros((len(items), len(self.about)), np.float32)
        for model, (mean, scale) in zip(self._models, self._scales, strict=True):
            near += np.clip((self._said(model, items) - mean) / scale, 0, 1) / len(self._models)
        near[items[:, None] == self.about] = 1
        return near

    def _said(self, model: Scorer, items: IntArray) -> FloatArray:
        """(B, N) what a model says to somebody who took one of `items` alone; nothing is 0."""
        asked = np.ascontiguousarray(np.broadcast_to(self.about, (len(items), len(self.about))))
        queries = Queries.guests(list(items[:, None]))
        queries.history.kind[:] = self._kind
        return np.nan_to_num(model.score(queries, asked).astype(np.float32))


def popularity_of(train: Dataset) -> FloatArray:
    """(n_items,) different people who took each item."""
    popularity: FloatArray = np.asarray(train.matrix().sum(axis=0)).ravel().astype(np.float32)
    return popularity
