"""Ask a model every question of a split and measure its lists: full ranking, one value per user and measure."""

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
"""Questions per call: lists of 4,096 people are held at once, whatever the data."""


@dataclass(frozen=True, eq=False)
class Result:
    """per_user : metric name to (B,) float64 in the order of the questions
    exposure : (n_items,) in how many lists each item stands, within the first 10 places
    seconds  : time to answer all questions
    beyond   : measures beyond accuracy to (B,) float64; empty where no statistics was given
    """

    per_user: Mapping[str, NDArray[np.float64]]
    exposure: NDArray[np.int64]
    seconds: float
    beyond: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __repr__(self) -> str:
        means = ", ".join(f"{name} {self.mean(name):.4f}" for name in self.per_user)
        people = len(next(iter(self.per_user.values()), ()))
        return f"Result({people:,} people: {means}, coverage {self.coverage:.0%})"

    def mean(self, metric: str) -> float:
        """Over the people it can be said of; nan where it can be said of nobody."""
        columns = {**self.per_user, **self.beyond}
        if (values := columns.get(metric)) is None:
            raise UnknownNameError(f"'{metric}' was not measured.{did_you_mean(metric, columns)}")
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else float("nan")

    @property
    def coverage(self) -> float:
        """Share of the catalogue offered to at least one person in the first 10 places."""
        return float((self.exposure > 0).mean()) if len(self.exposure) else 0.0

    def catalogue_metrics(self) -> dict[str, float]:
        """Measures that have one value for all people together."""
        return {f"coverage@{K}": self.coverage, f"gini@{K}": gini(self.exposure)}


def evaluate(
    model: Retriever,
    questions: EvalQueries,
    metrics: Sequence[str] = METRICS,
    *,
    statistics: TrainingStatistics | None = None,
    exclude_seen: bool | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Rank the whole catalogue for every question.

    statistics   : what the lists are held against beyond accuracy; None measures accuracy and coverage alone
    exclude_seen : whether what a person already did is kept out of the lists; None as the split says, which keeps it
                   out unless repeats count as answers
    """
    exclude_seen = not questions.repeats if exclude_seen is None else exclude_seen
    metrics = [metrics] if isinstance(metrics, str) else metrics
    parsed = [parse_metric(name) for name in metrics]
    depth = max([K, *(metric.k for metric in parsed)])
    n = questions.relevant.shape[1]
    values: dict[str, list[NDArray[np.float64]]] = {name: [] for name in metrics}
    further: dict[str, list[NDArray[np.float64]]] = {name: [] for name in (statistics.names if statistics else ())}
    shown = np.zeros(n, np.int64)
    seconds = 0.0
    for start in range(0, len(questions), BATCH_SIZE):
        block = np.arange(start, min(start + BATCH_SIZE, len(questions)))
        some = questions.take(block)
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
        progress(int(block[-1]) + 1, len(questions))
    return Result(_joined(values), shown, seconds, _joined(further))


def _joined(parts: dict[str, list[NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    return {name: np.concatenate(found) if found else np.empty(0) for name, found in parts.items()}
