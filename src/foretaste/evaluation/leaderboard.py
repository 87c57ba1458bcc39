"""The leaderboard: metrics with intervals, the protocol, and which models are statistically tied with the best."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.evaluation.intervals import Interval, Spread, bootstrap_intervals, paired_difference
from foretaste.evaluation.leaderboard_row import LeaderboardRow, Leakage
from foretaste.evaluation.protocol import EvaluationProtocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Group

    from foretaste.evaluation.segments import Segment

__all__ = ["MAIN", "EvaluationProtocol", "Leaderboard", "LeaderboardRow", "Leakage"]
MAIN = "ndcg@10"


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Rows measured under one protocol.

    main     : the metric that rows are ordered and compared by
    segments : segments of the test users, for results by segment
    remarks  : what a reader should know about the measurement, one sentence each
    """

    protocol: EvaluationProtocol
    rows: tuple[LeaderboardRow, ...]
    main: str = MAIN
    segments: tuple[Segment, ...] = field(default=())
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """As `view` shows it; the default would print the metrics of every user."""
        if not self.rows:
            return "Leaderboard without rows"
        from rich.console import Console

        out = StringIO()
        Console(file=out, width=100).print(self.view())
        return out.getvalue().rstrip()

    def frame(self) -> pl.DataFrame:
        """A row per model and metric, the best model first: model, metric, mean and its 95 % interval, low to high.

        Metrics with one value for the whole catalogue, such as coverage, have no interval.
        """
        found: list[tuple[str, str, float, float | None, float | None]] = []
        for row in self.sorted():
            found += [(row.model, name, *interval) for name, interval in self.intervals[row.model].items()]
            found += [(row.model, name, mean, None, None) for name, mean in row.result.catalogue_metrics().items()]
        numbers = dict.fromkeys(("mean", "low", "high"), pl.Float64)
        return pl.DataFrame(found, {"model": pl.String, "measure": pl.String, **numbers}, orient="row")

    def sorted(self) -> list[LeaderboardRow]:
        return sorted(self.rows, key=lambda row: -row.result.mean(self.main))

    @cached_property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """Model to metric to interval, accuracy and beyond-accuracy metrics."""
        return {row.model: bootstrap_intervals({**row.result.per_user, **row.result.beyond}) for row in self.rows}

    @cached_property
    def tied_with_best(self) -> frozenset[str]:
        """Models statistically tied with the best: the interval of the paired difference includes 0."""
        if not self.rows:
            return frozenset()
        best = self.sorted()[0].result.per_user[self.main]
        return frozenset(
            row.model for row in self.rows if paired_difference(best, row.result.per_user[self.main]).low <= 0
        )

    def to_json(self, *, per_user: bool = False) -> dict[str, Any]:
        """JSON-ready.

        per_user : include every user's metrics and the segments, for later comparisons; without ids
        """
        document: dict[str, Any] = {"main": self.main, "rows": [self._row(row) for row in self.sorted()]}
        if self.remarks:
            document["remarks"] = list(self.remarks)
        if per_user:
            for row, written in zip(self.sorted(), document["rows"], strict=True):
                columns = {**row.result.per_user, **row.result.beyond}
                written["per_user"] = {name: _known(values) for name, values in columns.items()}
            document["segments"] = [
                {"group": segment.group, "label": segment.label, "people": segment.people.tolist()}
                for segment in self.segments
            ]
        return document

    def _row(self, row: LeaderboardRow) -> dict[str, Any]:
        intervals = self.intervals[row.model]
        means = {name: interval.mean for name, interval in intervals.items()}
        values = row.result.per_user[self.main]
        groups: dict[str, dict[str, Any]] = {}
        for segment in self.segments:
            found = segment.of(values)
            groups.setdefault(segment.group, {})[segment.label] = {
                "people": len(segment.people),
                **_named(self.main, found),
            }
        return {
            "model": row.model,
            "settings": row.settings,
            "test": _without_nan({**means, **row.result.catalogue_metrics()}),
            "intervals": {
                name: _known(interval[1:]) for name, interval in intervals.items() if not math.isnan(interval.mean)
            },
            "seeds": _spread(row.seeds),
            "tie_order": _spread(row.ties),
            "leakage": None if row.leakage is None else {**row.leakage._asdict(), "gap": row.leakage.gap},
            "segments": groups,
            "validation": None if row.validation is None else {MAIN: row.validation},
            "tried": [{"settings": settings, MAIN: score} for settings, score in row.tried],
            "course": [round(score, 6) for score in row.validation_curve],
            "level_with_best": row.model in self.tied_with_best,
            "fit_seconds": row.fit_seconds,
            "answer_seconds": row.result.seconds,
            "wall_seconds": row.wall_seconds,
            "peak_megabytes": row.peak_megabytes,
            "protocol": self.protocol.model_dump(mode="json"),
        }

    def view(self) -> Group:
        """For a terminal of 100 columns; on a narrower one the last metrics are left out."""
        from foretaste.evaluation.report.table import leaderboard_view

        return leaderboard_view(self)


def _named(metric: str, interval: Interval) -> dict[str, Any]:
    return {metric: _number(interval.mean), "interval": _known(interval[1:])}


def _spread(spread: Spread | None) -> dict[str, Any] | None:
    if spread is None:
        return None
    low, high = _known(spread.interval[1:])
    return {"values": list(spread.values), "mean": spread.mean, "half": _number(spread.half), "interval": [low, high]}


def _number(value: float) -> float | None:
    """None for nan, which JSON has not."""
    return None if math.isnan(value) else float(value)


def _known(values: Iterable[float]) -> list[float | None]:
    return [None if math.isnan(value) else round(float(value), 9) for value in values]


def _without_nan(values: Mapping[str, float]) -> dict[str, float]:
    """Without metrics that are undefined for all users: JSON has no nan."""
    return {name: value for name, value in values.items() if not math.isnan(value)}
