"""Evaluate a model on held-out queries by full ranking; one value per user and metric."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import UnknownNameError, did_you_mean
from foretaste.evaluation.beyond_accuracy_metrics import K
from foretaste.metrics.beyond_accuracy import exposure, gini
from foretaste.metrics.ranking import ListRelevance, parse_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from foretaste.data.splits import EvalQueries
    from foretaste.evaluation.beyond_accuracy_metrics import TrainingStatistics
    from foretaste.protocols import Retriever

METRICS = ("ndcg@10", "recall@10", "hr@10", "mrr@10", "ndcg@20", "recall@20")
BATCH_SIZE = 4096
"""Queries per call of `recommend`, so that memory does not grow with the number of users."""


@dataclass(frozen=True, eq=False)
class Result:
    """Metrics of one model on one set of queries.

    per_user : metric name to (B,) float64 in the order of the queries
    exposure : (n_items,) in how many lists each item is, within the first 10 positions
    seconds  : time to answer all queries
    beyond   : beyond-accuracy metric to (B,) float64; empty where no training statistics were given
    """

    per_user: Mapping[str, NDArray[np.float64]]
    exposure: NDArray[np.int64]
    seconds: float
    beyond: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __repr__(self) -> str:
        means = ", ".join(f"{name} {self.mean(name):.4f}" for name in self.per_user)
        people = len(next(iter(self.per_user.values()), ()))
        return f"Result({people:,} users: {means}, coverage {self.coverage:.0%})"

    def mean(self, metric: str) -> float:
        """Mean over the users for whom the metric is defined; nan where there are none."""
        columns = {**self.per_user, **self.beyond}
        if (values := columns.get(metric)) is None:
            raise UnknownNameError(f"'{metric}' was not measured.{did_you_mean(metric, columns)}")
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else float("nan")

    @property
    def coverage(self) -> float:
        """Share of the catalogue recommended to at least one user in the first 10 positions."""
        return float((self.exposure > 0).mean()) if len(self.exposure) else 0.0

    def catalogue_metrics(self) -> dict[str, float]:
        """Metrics that have one value for all users together."""
        return {f"coverage@{K}": self.coverage, f"gini@{K}": gini(self.exposure)}


def evaluate(
    model: Retriever,
    eval_queries: EvalQueries,
    metrics: Sequence[str] = METRICS,
    *,
    statistics: TrainingStatistics | None = None,
    exclude_seen: bool | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Rank the whole catalogue for every query (full ranking, no sampled negatives).

    model        : recommends; fitted
    metrics      : names with cutoffs, such as "ndcg@10"
    statistics   : of the training part, for beyond-accuracy metrics; None measures accuracy and coverage only
    exclude_seen : whether consumed items are excluded from the lists; None follows the split, which excludes them
                   unless repeated items count as targets
    progress     : called with (queries done, all queries)

    raises : UnknownNameError for a metric that does not exist
    """
    exclude_seen = not eval_queries.repeats if exclude_seen is None else exclude_seen
    metrics = [metrics] if isinstance(metrics, str) else metrics
    parsed = [parse_metric(name) for name in metrics]
    depth = max([K, *(metric.k for metric in parsed)])
    n = eval_queries.relevant.shape[1]
    values: dict[str, list[NDArray[np.float64]]] = {name: [] for name in metrics}
    further: dict[str, list[NDArray[np.float64]]] = {name: [] for name in (statistics.names if statistics else ())}
    shown = np.zeros(n, np.int64)
    seconds = 0.0
    for start in range(0, len(eval_queries), BATCH_SIZE):
        block = np.arange(start, min(start + BATCH_SIZE, len(eval_queries)))
        some = eval_queries.take(block)
        queries, relevant = some.queries, some.relevant
        began = perf_counter()
        items = model.recommend(queries, depth, exclude=some.consumed_items if exclude_seen else None).items
        seconds += perf_counter() - began
        judged = ListRelevance.of(items, relevant)
        for metric in parsed:
            values[metric.name].append(metric.of_relevance(judged))
        if statistics is not None:
            for name, found in statistics.measure(items, queries, relevant).items():
                further[name].append(found)
        shown += exposure(items[:, :K], n)
        progress(int(block[-1]) + 1, len(eval_queries))
    return Result(_joined(values), shown, seconds, _joined(further))


def _joined(parts: dict[str, list[NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    return {name: np.concatenate(found) if found else np.empty(0) for name, found in parts.items()}
