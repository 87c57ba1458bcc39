"""Less of this: what is similar to items a user rejected moves down; the items themselves are excluded elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from foretaste.config import Config
from foretaste.pipeline.stages.factors import per_item, scaled
from foretaste.pipeline.stages.parts import Stateless, headroom

if TYPE_CHECKING:
    from foretaste.types import Candidates, IntArray, Queries, StageContext


class DemoteSimilarConfig(Config):
    factor: NonNegativeFloat = Field(default=0.5, le=1)
    """What remains of the score of an item similar to one the user wants less of; for each such item anew."""
    latest: PositiveInt = 20
    """Rejected items that are read, the latest."""


class DemoteSimilar(Stateless):
    """score(i) · factor^(number of rejected items that i is among the most similar of).

    Reads `Queries.disliked`, and the pipeline's own similar items.
    """

    config_class = DemoteSimilarConfig
    config: DemoteSimilarConfig

    def extra(self, queries: Queries, n: int) -> int:
        return headroom(n) if queries.disliked is not None and len(queries.disliked.items) else 0

    def __call__(self, queries: Queries, candidates: Candidates, context: StageContext) -> Candidates:
        disliked = queries.disliked
        if disliked is None or not len(disliked.items):
            return candidates
        rows: list[int] = []
        items: list[IntArray] = []
        for b in np.flatnonzero(disliked.lengths).tolist():
            for code in disliked.row(b)[-self.config.latest :].tolist():
                if context.seconds_left == 0:
                    raise TimeoutError
                items.append(context.similar(code))
                rows += [b] * len(items[-1])
        row, item, times = per_item(np.array(rows, np.int64), np.concatenate(items), np.ones(len(rows)))
        return scaled(candidates, row, item, np.power(self.config.factor, times))
