"""The report of a check for a terminal: problems, then statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from foretaste.data.checks.report import Report

STYLES = {"quarantined": "red", "left out": "red", "repaired": "yellow", "kept": ""}


def report_view(report: Report) -> Group:
    parts: list[RenderableType] = [_head(report), _problems(report), _carries(report)]
    if "catalogue" in report.counts:
        parts.append(_beside(report))
    if report.prepared:
        parts.append(_prepared(report))
    if report.models:
        parts.append(_models(report))
    return Group(*parts)


def _head(report: Report) -> Text:
    counts = report.counts
    return Text(
        f"{counts['rows']:,} rows ({counts['format']}): {counts['events']:,} events of {counts['users']:,} users about "
        f"{counts['items']:,} items; {counts['quarantined']:,} rows quarantined."
    )


def _problems(report: Report) -> RenderableType:
    if not report.problems:
        return Text("No row is wrong.", style="green")
    table = RichTable("rows", "what", "first rows", "they are", box=None, header_style="bold")
    for problem in report.problems:
        first = ", ".join(f"{file}:{row} {value[:40]!r}" for file, row, value in problem.first[:3])
        action = Text(problem.action, style=STYLES[problem.action])
        table.add_row(f"{problem.rows:,}", Text(problem.sentence), Text(first, style="dim"), action)
    return table


def _carries(report: Report) -> Text:
    counts = report.counts
    new = counts.get("new_items_among_the_newest_events")
    cold = "" if new is None else f"{new:.0%} of the newest events are about items nobody met before; "
    return Text(
        f"A user has {counts['events_per_user']:g} events (median), {counts['users_with_one_event']:,} users have one; "
        f"the top tenth of the items takes {counts['share_of_the_top_tenth_of_items']:.0%} of all events; {cold}"
        f"it can be measured by {counts['suggested_split']}.",
        style="dim",
    )


def _beside(report: Report) -> Text:
    """A line on the catalogue and the side tables."""
    counts = report.counts
    said = [
        f"{counts['catalogue']:,} items in the catalogue, {counts['items_without_events']:,} of them without events"
    ]
    named = {"items_with_words": "with words", "items_with_pictures": "with pictures"}
    named |= {"searches": "searches", "impressions": "impressions"}
    said += [f"{counts[key]:,} {words}" for key, words in named.items() if key in counts]
    said += [
        f"relation {key.removeprefix('relation_')} {count:,} rows"
        for key, count in counts.items()
        if key.startswith("relation_")
    ]
    return Text("; ".join(said) + ".", style="dim")


def _prepared(report: Report) -> RichTable:
    table = RichTable("prepared", "events", "users", "items", box=None, header_style="bold")
    for step in report.prepared:
        pairs = ((getattr(step.before, name), getattr(step.after, name)) for name in ("events", "users", "items"))
        changes = (f"{before:,} → {after:,}" if before != after else f"{after:,}" for before, after in pairs)
        table.add_row(Text(step.sentence), *changes)
    return table


def _models(report: Report) -> Text:
    fitting = ", ".join(model.name for model in report.models if model.fits)
    others: dict[str, list[str]] = {}
    for model in report.models:
        if not model.fits:
            others.setdefault(model.reason, []).append(model.name)
    lines = [f"Models that fit: {fitting}."]
    lines += [f"Not {', '.join(names)}: {reason}" for reason, names in others.items()]
    return Text("\n".join(lines), style="dim")
