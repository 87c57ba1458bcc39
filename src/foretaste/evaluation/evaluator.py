"""Ask a model every question of a split and measure its lists: full ranking, one value per user and measure."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from foretaste.metrics.ranking import parse_metric
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from foretaste.data.splits import Questions
    from foretaste.protocols import Retriever

METRICS = ("ndcg@10", "recall@10", "hr@10", "mrr@10", "ndcg@20", "recall@20")
AT_ONCE = 4096
"""Questions per call: lists of 4,096 people are held at once, whatever the data."""


@dataclass(frozen=True, eq=False)
class Result:
    """per_user : metric name to (B,) float64 in the order of the questions
    coverage : share of the catalogue offered to at least one person in the first 10 places
    seconds  : time to answer all questions
    """

    per_user: dict[str, NDArray[np.float64]]
    coverage: float
    seconds: float

    def mean(self, metric: str) -> float:
        return float(np.nanmean(self.per_user[metric]))


def evaluate(
    model: Retriever,
    questions: Questions,
    metrics: Sequence[str] = METRICS,
    *,
    exclude_seen: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Rank the whole catalogue for every question; what a person already did is not offered again unless stated."""
    parsed = [parse_metric(name) for name in metrics]
    depth = max([10, *(metric.k for metric in parsed)])
    values: dict[str, list[NDArray[np.float64]]] = {name: [] for name in metrics}
    offered = np.zeros(questions.relevant.shape[1], bool)
    seconds = 0.0
    for start in range(0, len(questions), AT_ONCE):
        block = np.arange(start, min(start + AT_ONCE, len(questions)))
        queries, relevant = questions.queries.take(block), questions.relevant[block]
        began = perf_counter()
        items = model.recommend(queries, depth, exclude=queries.history if exclude_seen else None).items
        seconds += perf_counter() - began
        for metric in parsed:
            values[metric.name].append(metric(items, relevant))
        first = items[:, :10]
        offered[first[first != NO_ITEM]] = True
        progress(int(block[-1]) + 1, len(questions))
    per_user = {name: np.concatenate(parts) if parts else np.empty(0) for name, parts in values.items()}
    return Result(per_user, float(offered.mean()) if len(offered) else 0.0, seconds)
