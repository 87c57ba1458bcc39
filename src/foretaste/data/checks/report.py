"""The report of a check: problems, statistics, and the models that fit the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foretaste.config import Config
from foretaste.data.checks.problem import Problem
from foretaste.data.parsing.numbers import number
from foretaste.data.prepare.report import PrepareStep

if TYPE_CHECKING:
    import polars as pl

NEWEST = 0.1
"""Share of the newest events in which new users and new items are counted."""


class ModelFit(Config):
    """Whether a model makes sense for the data, and why."""

    name: str
    fits: bool
    reason: str


class Report(Config):
    """The result of `foretaste check`.

    counts   : rows read, events kept, quarantined, users, items, and further statistics
    problems : what is wrong, and what happens to those rows
    models   : which models make sense, and why the others do not; empty until the catalogue is known
    prepared : the steps of [prepare], with counts before and after
    """

    counts: dict[str, float | int | str]
    problems: tuple[Problem, ...]
    models: tuple[ModelFit, ...] = ()
    prepared: tuple[PrepareStep, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def report_of(events: pl.DataFrame, *, rows: int, problems: list[Problem], format: str) -> Report:
    """events : the valid rows; rows : number of all rows read, valid or not."""
    per_user = events.group_by("user").len()["len"]
    per_item = events.group_by("item").len()["len"].sort(descending=True)
    head = per_item.head(max(1, len(per_item) // 10)).sum() / len(events)
    counts: dict[str, float | int | str] = {
        "rows": rows,
        "events": len(events),
        "quarantined": rows - len(events),
        "users": len(per_user),
        "items": len(per_item),
        "kinds": ", ".join(sorted(events["kind"].unique())),
        "format": format,
        "density": round(len(events) / (len(per_user) * len(per_item)), 6),
        "events_per_user": number(per_user.median()),
        "users_with_one_event": int((per_user == 1).sum()),
        "share_of_the_top_tenth_of_items": round(float(head), 3),
        **_newcomers(events),
        "suggested_split": "leave-one-out and time" if "time" in events.columns else "leave-one-out",
    }
    return Report(counts=counts, problems=tuple(problems))


def _newcomers(events: pl.DataFrame) -> dict[str, float]:
    """Shares of the newest events that are of new users, and on new items."""
    if "time" not in events.columns:
        return {}
    cut = events["time"].quantile(1 - NEWEST)
    is_new = events["time"] > cut
    if not is_new.any():
        return {}
    shares = {}
    for role in ("user", "item"):
        known = events[role].filter(~is_new).unique()
        met = events[role].filter(is_new).is_in(known.implode())
        shares[f"new_{role}s_among_the_newest_events"] = round(1 - float(met.sum()) / len(met), 3)
    return shares


def left_out(report: Report) -> str | None:
    """A sentence on the rows that could not be used: their number, and reason and place of the first; None for none."""
    if not (lost := report.counts["quarantined"]):
        return None
    first = next(problem for problem in report.problems if problem.action == "quarantined")
    file, row, _ = first.first[0]
    return f"{lost:,} rows are left out, the first: {first.sentence} ({file}:{row})"
