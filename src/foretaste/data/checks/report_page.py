"""The report of a check as one self-contained HTML page with plots."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.data.checks.report import Report
    from foretaste.data.dataset import Dataset

WIDTH, HEIGHT, EDGE = 420, 220, 36
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
@media (prefers-color-scheme: dark) { body { background: #14151a; color: #ddd } td, th { border-color: #333 } }
h1 { margin-bottom: 0 } .quiet { opacity: .7 } .plots { display: flex; flex-wrap: wrap; gap: 1rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .4rem; border-top: 1px solid #ddd }
td:first-child { text-align: right; font-variant-numeric: tabular-nums } code { font-size: .9em }
.quarantined { color: #c33 } .repaired { color: #b70 } svg { max-width: 100% } figure { margin: 0 }
svg text { fill: currentColor; font: 11px system-ui, sans-serif } svg rect, svg circle { fill: #d9622b }
"""


def report_page(report: Report, data: Dataset) -> str:
    """The page: problems with their rows, and three plots of the data."""
    counts = report.counts
    problems = "".join(
        f"<tr><td>{problem.rows:,}</td><td>{escape(problem.sentence)}</td><td><code>"
        + "<br>".join(escape(f"{file}:{row} {value!r}") for file, row, value in problem.first)
        + f'</code></td><td class="{problem.action.replace(" ", "-")}">{problem.action}</td></tr>'
        for problem in report.problems
    )
    table = f"<table><tr><th>rows<th>what<th>first rows<th>they are</tr>{problems}</table>" if problems else ""
    figures = "".join(
        f"<tr><td>{escape(str(value))}</td><td>{escape(name.replace('_', ' '))}</td></tr>"
        for name, value in counts.items()
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Check of {escape(data.name)}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<h1>{escape(data.name)}</h1>
<p class="quiet">{counts["rows"]:,} rows, {counts["events"]:,} events of {data.n_users:,} users about {data.n_items:,}
items, {counts["quarantined"]:,} rows quarantined. Fingerprint <code>{data.fingerprint}</code>.</p>
<h2>What is wrong</h2>{table or "<p>No row is wrong.</p>"}
<h2>What the data can carry</h2><div class="plots">{_plots(data)}</div>
<table>{figures}</table>{_prepared(report)}{_models(report)}</html>
"""


def _models(report: Report) -> str:
    if not report.models:
        return ""
    rows = "".join(
        f"<tr><td>{'yes' if model.fits else 'no'}</td><td>{escape(model.name)}</td><td>{escape(model.reason)}</td></tr>"
        for model in report.models
    )
    return f"<h2>Which models make sense</h2><table><tr><th>fits<th>model<th>because</tr>{rows}</table>"


def _prepared(report: Report) -> str:
    if not report.prepared:
        return ""
    rows = "".join(
        f"<tr><td>{step.after.events - step.before.events:+,}</td><td>{escape(step.sentence)}</td>"
        f"<td>{step.after.events:,}</td><td>{step.after.users:,}</td><td>{step.after.items:,}</td></tr>"
        for step in report.prepared
    )
    return (
        "<h2>What is done before anything learns</h2>"
        f"<table><tr><th>events<th>step<th>events left<th>users<th>items</tr>{rows}</table>"
    )


def _plots(data: Dataset) -> str:
    per_user = np.bincount(data.user, minlength=data.n_users)
    per_item = np.sort(np.bincount(data.item, minlength=data.n_items))[::-1]
    powers = 2 ** np.arange(1, max(2, int(np.log2(max(1, per_user.max(initial=1)))) + 2))
    held = [int(((per_user >= low) & (per_user < 2 * low)).sum()) for low in [1, *powers[:-1]]]
    names = [f"{low}+" for low in [1, *powers[:-1]]]
    plots = [_bars("Users by number of events", held, names), _tail(per_item[per_item > 0])]
    if data.time is not None and len(data):
        heights, edges = np.histogram(data.time, bins=24)
        days = edges.astype("M8[us]").astype("M8[D]").astype(str)
        labels = [days[0], *[""] * 22, days[-1]]
        plots.append(_bars("Events over time", heights.tolist(), labels))
    return "".join(f"<figure>{plot}</figure>" for plot in plots)


def _bars(title: str, heights: list[int], labels: list[str]) -> str:
    step = (WIDTH - 2 * EDGE) / len(heights)
    top = max([*heights, 1])
    drawn = "".join(
        f'<rect x="{EDGE + i * step + 1:.1f}" width="{step - 2:.1f}" '
        f'y="{HEIGHT - EDGE - tall:.1f}" height="{tall:.1f}">'
        f"<title>{escape(label)}: {height:,}</title></rect>"
        f'<text x="{EDGE + (i + 0.5) * step:.1f}" y="{HEIGHT - EDGE + 14}" text-anchor="middle">{escape(label)}</text>'
        for i, (height, label) in enumerate(zip(heights, labels, strict=True))
        for tall in [height / top * (HEIGHT - 2 * EDGE)]
    )
    return _framed(f"{title} (tallest: {top:,})", drawn)


def _tail(per_item: NDArray[np.integer]) -> str:
    """Log-log plot of events by rank of the item: the long tail."""
    if not len(per_item):
        return ""
    rank = np.unique(np.geomspace(1, len(per_item), 60).astype(int))
    x = EDGE + np.log(rank) / max(np.log(len(per_item)), 1e-9) * (WIDTH - 2 * EDGE)
    y = HEIGHT - EDGE - np.log(per_item[rank - 1]) / max(np.log(per_item[0]), 1e-9) * (HEIGHT - 2 * EDGE)
    dots = "".join(f'<circle r="2.5" cx="{a:.1f}" cy="{b:.1f}"/>' for a, b in zip(x, y, strict=True))
    ends = (
        f'<text x="{EDGE}" y="{HEIGHT - EDGE + 14}">most popular: {per_item[0]:,}</text>'
        f'<text x="{WIDTH - EDGE}" y="{HEIGHT - EDGE + 14}" text-anchor="end">'
        f"item {len(per_item):,}: {per_item[-1]:,}</text>"
    )
    return _framed("Events per item, most popular first (log-log)", dots + ends)


def _framed(title: str, drawn: str) -> str:
    heading = f'<text x="{EDGE}" y="18" font-weight="600">{escape(title)}</text>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">{heading}{drawn}</svg>'
