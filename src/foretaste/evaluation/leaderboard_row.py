"""One row of a leaderboard: the metrics of a model, how it was chosen, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from foretaste.evaluation.evaluator import Result
    from foretaste.evaluation.intervals import Spread


class Leakage(NamedTuple):
    """The main metric for the next item, of the same users under both splits.

    Leave-one-out lets a model train on what other users did later; a time split, as in production, does not.
    """

    leave_one_out: float
    time: float
    people: int

    @property
    def gap(self) -> float:
        return self.leave_one_out - self.time


@dataclass(frozen=True, eq=False)
class LeaderboardRow:
    """A measured model.

    validation       : NDCG@10 on the validation queries, None where nothing was chosen
    tried            : every setting that was tried, with its validation NDCG@10, in order
    peak_megabytes   : memory of fitting and answering beyond what was held before; None where unknown
    validation_curve : validation NDCG@10 of the chosen setting after each epoch; empty without epochs
    seeds, ties      : the main metric with other seeds, and with other orders of equal times; None where not measured
    """

    model: str
    settings: dict[str, Any]
    validation: float | None
    result: Result
    fit_seconds: float
    tried: tuple[tuple[dict[str, Any], float], ...] = ()
    validation_curve: tuple[float, ...] = ()
    wall_seconds: float | None = None
    peak_megabytes: float | None = None
    seeds: Spread | None = None
    ties: Spread | None = None
    leakage: Leakage | None = None
