"""Paired comparison of two models: the difference, its interval, its effect size, and for which users."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from foretaste.errors import DataError
from foretaste.evaluation.intervals import Interval, effect_size, paired_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Group

    from foretaste.evaluation.saved_runs import SavedRow

SIZES = ((0.2, "negligible"), (0.5, "small"), (0.8, "medium"), (math.inf, "large"))
"""Names of effect sizes below each bound (Cohen 1988)."""


class Difference(NamedTuple):
    """One metric of two models on the same users: first minus second.

    first, second : means over the users for whom both are defined
    gain          : mean difference with its 95 % interval over users
    effect        : the gain in standard deviations of the differences (Cohen's d of pairs)
    better, worse : shares of the users for whom the first is better, and worse; for the rest both are equal
    """

    measure: str
    people: int
    first: float
    second: float
    gain: Interval
    effect: float
    better: float
    worse: float

    @classmethod
    def of(cls, measure: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference:
        both = ~np.isnan(first) & ~np.isnan(second)
        a, b = first[both], second[both]
        n = len(a)
        means = (float(a.mean()), float(b.mean())) if n else (math.nan, math.nan)
        shares = (float((a > b).mean()), float((a < b).mean())) if n else (math.nan, math.nan)
        return cls(measure, n, *means, paired_difference(a, b), effect_size(a, b), *shares)

    @property
    def decided(self) -> bool:
        """Whether the interval excludes 0."""
        return self.gain.low > 0 or self.gain.high < 0

    @property
    def size(self) -> str:
        return next((word for bound, word in SIZES if abs(self.effect) < bound), "large")

    def to_json(self) -> dict[str, Any]:
        numbers = {
            "people": self.people,
            "first": self.first,
            "second": self.second,
            "gain": self.gain.mean,
            "interval": [self.gain.low, self.gain.high],
            "effect_size": self.effect,
            "better_for": self.better,
            "worse_for": self.worse,
            "decided": self.decided,
        }
        return {name: _finite(value) for name, value in numbers.items()}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two compared rows.

    differences : by metric, the main one first
    by_segment  : (group, label, difference in the main metric)
    remarks     : differences between the two protocols, one sentence each
    """

    first: str
    second: str
    differences: tuple[Difference, ...]
    by_segment: tuple[tuple[str, str, Difference], ...]
    remarks: tuple[str, ...]

    def sentence(self) -> str:
        main = self.differences[0]
        apart = f"{main.gain.mean:+.4f} {main.measure}, interval {main.gain.low:+.4f} to {main.gain.high:+.4f}"
        if not main.decided:
            return f"{self.first} and {self.second} are not significantly different on {main.people:,} users ({apart})."
        better, worse = (self.first, self.second) if main.gain.mean > 0 else (self.second, self.first)
        return (
            f"{better} beats {worse} ({apart}); per user the effect is {main.size} (d = {main.effect:+.2f}): "
            f"{self.first} is better for {main.better:.0%}, worse for {main.worse:.0%}."
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "differences": {found.measure: found.to_json() for found in self.differences},
            "segments": [
                {"group": group, "label": label, **found.to_json()} for group, label, found in self.by_segment
            ],
            "sentence": self.sentence(),
            "remarks": list(self.remarks),
        }

    def view(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table("metric", box=None, header_style="bold", padding=(0, 1), pad_edge=False)
        for name in (self.first, self.second, "difference", "95 % interval", "d", "better", "worse"):
            table.add_column(name, justify="right", no_wrap=True)
        for found in self.differences:
            table.add_row(*_cells(found.measure, found))
        parts: list[Any] = [Text(self.sentence()), Text(), table]
        if self.by_segment:
            groups = Table("segment", box=None, header_style="bold", padding=(0, 1), pad_edge=False)
            for name in ("users", "difference", "95 % interval", "d"):
                groups.add_column(name, justify="right", no_wrap=True)
            for group, label, found in self.by_segment:
                cells = _cells(f"{group}: {label}", found)
                groups.add_row(cells[0], f"{found.people:,}", *cells[3:6])
            parts += [Text(), groups, Text(f"By segment of users, in {self.differences[0].measure}.", style="dim")]
        parts += [Text(remark, style="yellow") for remark in self.remarks]
        return Group(*parts)


def compare(first: SavedRow, second: SavedRow) -> Comparison:
    """Compare two rows user by user.

    raises : DataError where the rows were not measured on the same queries, so that there are no pairs
    """
    mine, theirs = first.protocol, second.protocol
    lengths = {len(values) for row in (first, second) for values in row.per_user.values()}
    if mine.questions != theirs.questions or len(lengths) != 1:
        apart = "; ".join(mine.differences(theirs))
        raise DataError(
            f"{first.model} and {second.model} were not measured on the same queries ({apart}); "
            "measure both with the same data and split."
        )
    shared = [name for name in first.per_user if name in second.per_user]
    if first.main not in shared:
        raise DataError(f"{second.model} was not measured by {first.main}; measure both by the same metrics.")
    shared.sort(key=lambda name: name != first.main)
    a, b = first.per_user, second.per_user
    by_segment = tuple(
        (part.group, part.label, Difference.of(first.main, a[first.main][part.people], b[first.main][part.people]))
        for part in first.segments
    )
    names = (first.model, second.model)
    if first.model == second.model:
        names = (f"{first.model} (first)", f"{second.model} (second)")
    remarks = tuple(f"Measured differently: {what}." for what in mine.differences(theirs) if "questions" not in what)
    differences = (Difference.of(name, a[name], b[name]) for name in shared)
    defined = tuple(found for found in differences if found.people or found.measure == first.main)
    return Comparison(*names, defined, by_segment, remarks)


def _cells(name: str, found: Difference) -> tuple[Any, ...]:
    from rich.text import Text

    style = "" if not found.decided else "green" if found.gain.mean > 0 else "red"
    return (
        name,
        f"{found.first:.4f}",
        f"{found.second:.4f}",
        Text(f"{found.gain.mean:+.4f}", style=style),
        f"{found.gain.low:+.4f} to {found.gain.high:+.4f}",
        f"{found.effect:+.2f}",
        f"{found.better:.0%}",
        f"{found.worse:.0%}",
    )


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
