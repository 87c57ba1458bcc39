"""The report of a check: the problems, and what the data can carry; for a terminal and as JSON."""

from __future__ import annotations

from typing import Any

import polars as pl
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from foretaste.config import Config
from foretaste.data.check_problem import Problem

NEWEST = 0.1
"""Share of the events, the newest, in which people and items are counted that were never met before."""
DENSE_ITEMS = 30_000
"""Beyond this a dense item-to-item model (ease) needs more than 10 GB."""


class Report(Config):
    """counts : rows read, events kept, quarantined, users, items, and what the data can carry."""

    counts: dict[str, float | int | str]
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def report_of(events: pl.DataFrame, *, rows: int, problems: list[Problem], format: str) -> Report:
    """events : the good rows; rows : all that were read, the broken ones too."""
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
        "events_per_user": float(per_user.median() or 0),  # type: ignore[arg-type]  # a number here
        "users_with_one_event": int((per_user == 1).sum()),
        "share_of_the_top_tenth_of_items": round(float(head), 3),
        **_newcomers(events),
        "suggested_split": "leave-one-out and time" if "time" in events.columns else "leave-one-out",
        "models_that_fit": ", ".join(_models(len(per_item), int((per_user >= 3).sum()))),
    }
    return Report(counts=counts, problems=tuple(problems))


def _newcomers(events: pl.DataFrame) -> dict[str, float]:
    """Shares of the newest events by users, and about items, that no older event knows."""
    if "time" not in events.columns:
        return {}
    cut = events["time"].quantile(1 - NEWEST)
    old, new = events.filter(pl.col("time") <= cut), events.filter(pl.col("time") > cut)
    if not len(new):
        return {}
    return {
        f"new_{role}s_among_the_newest_events": round(new.join(old, on=role, how="anti").height / new.height, 3)
        for role in ("user", "item")
    }


def _models(n_items: int, users_to_learn_from: int) -> list[str]:
    """What is worth training; a model that learns from histories needs people with three events or more."""
    if users_to_learn_from < 20:
        return ["popular", "content (with item texts)"]
    dense = ["ease"] if n_items <= DENSE_ITEMS else []
    return ["popular", "itemknn", *dense, "content (with item texts)"]


def report_view(report: Report) -> Group:
    """For a terminal: what is wrong, then what the data can carry."""
    counts = report.counts
    head = Text(
        f"{counts['rows']:,} rows ({counts['format']}): {counts['events']:,} events of {counts['users']:,} users about "
        f"{counts['items']:,} items; {counts['quarantined']:,} rows quarantined."
    )
    table = RichTable("rows", "what", "first rows", "they are", box=None, header_style="bold")
    for problem in report.problems:
        first = ", ".join(f"{file}:{row} {value[:40]!r}" for file, row, value in problem.first[:3])
        style = {"quarantined": "red", "left out": "red", "repaired": "yellow", "kept": ""}[problem.action]
        table.add_row(
            f"{problem.rows:,}", Text(problem.sentence), Text(first, style="dim"), Text(problem.action, style=style)
        )
    new = counts.get("new_items_among_the_newest_events")
    cold = "" if new is None else f"{new:.0%} of the newest events are about items nobody met before; "
    carries = Text(
        f"A user has {counts['events_per_user']:g} events (median), {counts['users_with_one_event']:,} users have one; "
        f"the top tenth of the items takes {counts['share_of_the_top_tenth_of_items']:.0%} of all events; {cold}"
        f"it can be measured by {counts['suggested_split']}. Models that fit: {counts['models_that_fit']}.",
        style="dim",
    )
    return Group(head, table if report.problems else Text("No row is wrong.", style="green"), carries)
