"""Impression fatigue: what a user was shown again and again without reacting moves down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.pipeline.stages.factors import per_item, scaled
from foretaste.pipeline.stages.parts import Stateless, headroom

if TYPE_CHECKING:
    from foretaste.types import Candidates, Queries, StageContext

DAY = 86_400e6
"""µs."""


class FatigueConfig(Config):
    after: PositiveInt = 3
    """Shown so often without any reaction, an item counts half; each further time halves it again."""
    half_life_days: PositiveFloat = 7.0
    """Age at which an impression counts half."""


class Fatigue(Stateless):
    """score(i) · ½^max(0, t(i) − after + 1), t(i) = Σ over the impressions of i of ½^(age / half-life).

    Reads `Queries.shown`: what each user was shown since they last did something with it.
    """

    config_class = FatigueConfig
    config: FatigueConfig

    def extra(self, queries: Queries, n: int) -> int:
        return headroom(n) if queries.shown is not None and len(queries.shown.items) else 0

    def __call__(self, queries: Queries, candidates: Candidates, context: StageContext) -> Candidates:
        shown = queries.shown
        if shown is None or not len(shown.items):
            return candidates
        row = shown.row_of_event()
        age_days = np.zeros(len(row))
        if shown.time is not None and context.now is not None:
            age_days = np.maximum(context.now[row] - shown.time, 0) / DAY
        rows, items, times = per_item(row, shown.items, np.power(0.5, age_days / self.config.half_life_days))
        factor = np.power(0.5, np.maximum(times - self.config.after + 1, 0))
        low = factor < 1
        return scaled(candidates, rows[low], items[low], factor[low])
