"""Segments of the test users: by history length, by activity, by popularity of the target."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from foretaste.evaluation.intervals import Interval, bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foretaste.data.splits import EvalQueries
    from foretaste.evaluation.beyond_accuracy_metrics import TrainingStatistics
    from foretaste.types import BoolArray

HISTORY_LENGTH_STEPS = (0, 1, 5, 20, 100)
"""Lower bounds of the segments by history length."""
MIN_USERS_PER_SEGMENT = 5
"""Smaller segments are left out: their mean would be noise."""


class Segment(NamedTuple):
    """group : what users are divided by; label : the segment; people : (P,) positions among the queries"""

    group: str
    label: str
    people: NDArray[np.int64]

    def of(self, values: NDArray[np.float64]) -> Interval:
        """Mean of (B,) values over this segment, with its bootstrap interval."""
        return bootstrap_interval(values[self.people])


def segments_of(eval_queries: EvalQueries, statistics: TrainingStatistics) -> tuple[Segment, ...]:
    """Segments by history length, by thirds of activity, and by the targets: popular, long tail or new items."""
    events = eval_queries.queries.history.lengths
    names = [f"{low}" if high == low + 1 else f"{low} to {high - 1}" for low, high in pairwise(HISTORY_LENGTH_STEPS)]
    step = np.searchsorted(HISTORY_LENGTH_STEPS, events, side="right") - 1
    found = _grouped("events known", [*names, f"{HISTORY_LENGTH_STEPS[-1]} and more"], step)
    rank = np.empty(len(events), np.int64)
    rank[np.argsort(events, kind="stable")] = np.arange(len(events))
    third = rank * 3 // max(1, len(events))
    found += _grouped("activity", ["least active third", "middle third", "most active third"], third)
    found += _grouped(
        "what was right", ["popular items", "long tail", "new items"], _target_class(eval_queries, statistics)
    )
    return tuple(found)


def _target_class(eval_queries: EvalQueries, statistics: TrainingStatistics) -> NDArray[np.int64]:
    """(B,) 0 head, 1 tail, 2 without training events: what more than half of a user's targets are, else 0."""
    relevant = eval_queries.relevant
    row = np.repeat(np.arange(len(eval_queries)), np.diff(relevant.indptr))
    answers = np.maximum(np.diff(relevant.indptr), 1)

    def share(flag: BoolArray) -> NDArray[np.float64]:
        return np.bincount(row, flag[relevant.indices], minlength=len(eval_queries)) / answers

    new = statistics.popularity == 0
    return np.select([share(new) > 0.5, share(statistics.is_tail) > 0.5], [2, 1], 0)


def _grouped(group: str, labels: Sequence[str], member: NDArray[np.int64]) -> list[Segment]:
    people = [np.flatnonzero(member == number) for number in range(len(labels))]
    return [
        Segment(group, label, who)
        for label, who in zip(labels, people, strict=True)
        if len(who) >= MIN_USERS_PER_SEGMENT
    ]
