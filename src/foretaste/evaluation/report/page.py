"""The leaderboard as one self-contained HTML page with plots."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from foretaste.evaluation.beyond_accuracy_metrics import HIGHER_IS_BETTER, METRIC_DESCRIPTIONS
from foretaste.evaluation.compare import compare
from foretaste.evaluation.report.plots import COLOURS, Line, Point, Whisker, bars, lines, scatter, whiskers
from foretaste.evaluation.report.style import STYLE
from foretaste.evaluation.saved_runs import rows_by_model
from foretaste.registry import FALLBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from foretaste.evaluation.feedback_loop import FeedbackLoopResult, Round
    from foretaste.evaluation.leaderboard import Leaderboard, LeaderboardRow

SHOWN_IN_SEGMENTS = 5
"""Models shown per segment, the best first; popularity is added."""


def report_page(board: Leaderboard, *, bubble: FeedbackLoopResult | None = None, remarks: Sequence[str] = ()) -> str:
    """The report as one HTML page: accuracy with intervals, coverage, segments, tuning, protocol."""
    rows = board.sorted()
    colour = {row.model: number for number, row in enumerate(rows)}
    parts = [
        _figure(
            "Accuracy with intervals",
            f"Each dot is {_metric_label(board.main)} on the test queries; the bars are 95 % intervals.",
            whiskers([_whisker(board, row, colour[row.model]) for row in rows], _metric_label(board.main))
            + _over(rows),
        ),
        _figure(
            "Accuracy against coverage",
            "Right and up is better. A model that gives every user the same list is on the left.",
            scatter(
                [_point(board, row, colour[row.model]) for row in rows],
                "coverage, % of the catalogue",
                _metric_label(board.main),
            ),
        ),
        *_segments(board, rows, colour),
        *_tuning(rows, colour),
        *_learning(rows, colour),
        *_leakage(board, rows, colour),
        *([] if bubble is None else [_feedback_loop(bubble)]),
    ]
    remarks_html = "".join(f"<p>{escape(remark)}</p>" for remark in [*_verdict(board), *remarks])
    name = escape(board.protocol.data)
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Leaderboard of {name}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<header><p class="quiet">foretaste {escape(board.protocol.foretaste)} · leaderboard</p><h1>{name}</h1>
<div class="verdict">{remarks_html}</div></header>
<main class="plots">{"".join(parts)}</main>
<section><h2>All metrics</h2><div class="wide">{_accuracy_table(board, rows, colour)}</div></section>
{_beyond_section(board, rows, colour)}
<section><h2>Evaluation protocol</h2><p class="protocol">{escape(board.protocol.sentence())}</p></section></html>
"""


def _verdict(board: Leaderboard) -> list[str]:
    """The best model, the models statistically tied with it, and the gain over popularity."""
    rows = board.sorted()
    best = rows[0]
    mean, half = best.result.mean(board.main), board.intervals[best.model][board.main].half
    tied = [row.model for row in rows[1:] if row.model in board.tied_with_best]
    beside = f" {_listed(tied)} {'is' if len(tied) == 1 else 'are'} statistically tied with it." if tied else ""
    found = [f"{best.model} is best with {_metric_label(board.main)} {mean:.4f} ± {half:.4f}.{beside}"]
    by_name = rows_by_model(board)
    if FALLBACK in by_name and best.model != FALLBACK:
        found.append(compare(by_name[best.model], by_name[FALLBACK]).sentence())
    return found


def _whisker(board: Leaderboard, row: LeaderboardRow, colour: int) -> Whisker:
    interval = board.intervals[row.model][board.main]
    found = [("people", interval.low, interval.high)]
    for over, spread in (("seeds", row.seeds), ("tie orders", row.ties)):
        if spread is not None and math.isfinite(spread.half):
            found.append((over, spread.interval.low, spread.interval.high))
    return Whisker(row.model, row.result.mean(board.main), colour, tuple(found))


def _over(rows: Sequence[LeaderboardRow]) -> str:
    kinds = ["people", *(["seeds"] if any(row.seeds for row in rows) else [])]
    kinds += ["orders of equal times"] if any(row.ties for row in rows) else []
    return f'<p class="quiet">Bars from above: 95 % intervals over {_listed(kinds)}.</p>'


def _point(board: Leaderboard, row: LeaderboardRow, colour: int) -> Point:
    mean, coverage = row.result.mean(board.main), 100 * row.result.coverage
    return Point(row.model, coverage, mean, colour, f"{row.model}: {mean:.4f}, {coverage:.0f} % of the catalogue")


def _segments(board: Leaderboard, rows: Sequence[LeaderboardRow], colour: dict[str, int]) -> list[str]:
    names = [row.model for row in rows[:SHOWN_IN_SEGMENTS]]
    names += [FALLBACK] if FALLBACK in colour and FALLBACK not in names else []
    shown = [row for row in rows if row.model in names]
    found = []
    for group in dict.fromkeys(segment.group for segment in board.segments):
        parts = [segment for segment in board.segments if segment.group == group]
        if len(parts) < 2:
            continue
        groups = []
        for segment in parts:
            points = []
            for row in shown:
                some = row.result.per_user[board.main][segment.people]
                mean = float(np.nanmean(some)) if (~np.isnan(some)).any() else 0.0
                tooltip = f"{row.model}, {segment.label}: {mean:.4f} ({len(segment.people):,} users)"
                points.append(Point(row.model, 0, mean, colour[row.model], tooltip))
            groups.append((f"{segment.label} ({len(segment.people):,})", points))
        key = "".join(_chip(row.model, colour[row.model]) for row in shown)
        found.append(
            _figure(
                f"By segment: {group}",
                "Number of users in brackets.",
                bars(groups, _metric_label(board.main)) + f"<p>{key}</p>",
            )
        )
    return found


def _tuning(rows: Sequence[LeaderboardRow], colour: dict[str, int]) -> list[str]:
    """FittedChoice validation figure so far, trial by trial."""
    series = []
    for row in rows:
        if len(row.tried) > 1:
            best = np.maximum.accumulate([score for _, score in row.tried])
            steps = tuple(float(n) for n in range(1, len(best) + 1))
            series.append(Line(row.model, steps, tuple(best.tolist()), colour[row.model]))
    if not series:
        return []
    text = "The best setting so far, trial by trial, on the validation queries. A flat end means tuning has converged."
    return [_figure("Tuning", text, lines(series, "settings tried", "validation NDCG@10"))]


def _learning(rows: Sequence[LeaderboardRow], colour: dict[str, int]) -> list[str]:
    """Validation score of the chosen settings after each epoch."""
    series = [
        Line(
            row.model,
            tuple(float(n) for n in range(1, len(row.validation_curve) + 1)),
            row.validation_curve,
            colour[row.model],
        )
        for row in rows
        if len(row.validation_curve) > 1
    ]
    if not series:
        return []
    text = "The chosen settings after each epoch, on the validation queries. Training stops early at the highest point."
    return [_figure("Learning curves", text, lines(series, "epoch", "validation NDCG@10"))]


def _leakage(board: Leaderboard, rows: Sequence[LeaderboardRow], colour: dict[str, int]) -> list[str]:
    series = []
    people = 0
    for row in rows:
        if row.leakage is not None:
            people = row.leakage.people
            series.append(Line(row.model, (1, 2), (row.leakage.leave_one_out, row.leakage.time), colour[row.model]))
    if not series:
        return []
    text = (
        f"{people:,} users, one target each, on both splits. Left: leave-one-out, which trains on events of other "
        "users that came later. Right: a time split, as in production."
    )
    drawn = lines(series, "1 leave-one-out, 2 time split", _metric_label(board.main))
    return [_figure("Leakage of leave-one-out", text, drawn)]


def _feedback_loop(bubble: FeedbackLoopResult) -> str:
    steps = tuple(float(n) for n in range(len(bubble.with_lists)))

    def curves(name: str, number: int) -> list[Line]:
        def since(rounds: Sequence[Round]) -> tuple[float, ...]:
            values = [getattr(step, name) for step in rounds]
            return tuple(100 * (value / values[0] - 1) if values[0] else 0.0 for value in values)

        alone = Line(f"{name}, no list", steps, since(bubble.control), number, dashed=True)
        return [Line(name, steps, since(bubble.with_lists), number), alone]

    drawn = lines(
        [*curves("diversity", 0), *curves("coverage", 2), *curves("alike", 3)],
        "round",
        "change in %",
    )
    return _figure("Feedback loop", bubble.sentence(), drawn)


def _accuracy_table(board: Leaderboard, rows: Sequence[LeaderboardRow], colour: dict[str, int]) -> str:
    names = list(rows[0].result.per_user)
    best = {name: max(row.result.mean(name) for row in rows) for name in names}
    head = "".join(f"<th>{_metric_label(name)}" for name in names) + "<th>validation<th>fit s<th>answer s<th>peak MB"
    lines_ = []
    for row in rows:
        cells = "".join(
            f'<td title="{_range(board, row, name)}"{_best(row.result.mean(name) == best[name])}>'
            f"{row.result.mean(name):.4f}"
            for name in names
        )
        cells += f"<td>{_known(row.validation, '.4f')}<td>{row.fit_seconds:.2f}<td>{row.result.seconds:.2f}"
        cells += f"<td>{_known(row.peak_megabytes, ',.0f')}"
        level = (
            ' <span class="quiet">tied</span>'
            if row.model in board.tied_with_best and len(board.tied_with_best) > 1
            else ""
        )
        lines_.append(f"<tr><th>{_chip(row.model, colour[row.model])}{level}{cells}")
    return f"<table><tr><th>model{head}{''.join(lines_)}</table>"


def _beyond_section(board: Leaderboard, rows: Sequence[LeaderboardRow], colour: dict[str, int]) -> str:
    if not rows[0].result.beyond:
        return ""
    of_all = {row.model: {**row.result.catalogue_metrics()} for row in rows}
    names = [*of_all[rows[0].model], *rows[0].result.beyond]

    def value(row: LeaderboardRow, name: str) -> float:
        return of_all[row.model][name] if name in of_all[row.model] else row.result.mean(name)

    head = "".join(
        f'<th title="{escape(METRIC_DESCRIPTIONS[short])}">{short}{_arrow(short)}'
        for short in (name.partition("@")[0] for name in names)
    )
    body = "".join(
        f"<tr><th>{_chip(row.model, colour[row.model])}"
        + "".join(_shaded(value(row, name), [value(other, name) for other in rows], _digits(name)) for name in names)
        for row in rows
    )
    meant = "".join(
        f"<dt>{name}<dd>{escape(text)}" for name, text in METRIC_DESCRIPTIONS.items() if f"{name}@10" in names
    )
    note = f"On the first 10 positions of the same lists; diversity by {escape(board.protocol.distance)}."
    return (
        f'<section><h2>Beyond accuracy</h2><p class="quiet">{note} Darker is more; arrows point to the better side.'
        "</p>"
        f'<div class="wide"><table><tr><th>model{head}{body}</table></div><dl>{meant}</dl></section>'
    )


def _shaded(value: float, others: Sequence[float], write: Callable[[float], str]) -> str:
    known = [other for other in others if math.isfinite(other)]
    if not math.isfinite(value) or not known:
        return "<td>–"
    span = max(known) - min(known)
    share = (value - min(known)) / span if span else 0.0
    return f'<td style="--share:{45 * share:.0f}%">{write(value)}'


def _digits(name: str) -> Callable[[float], str]:
    digits = 2 if name.startswith("novelty") else 4 if name.startswith("serendipity") else 3
    return lambda value: f"{value:.{digits}f}"


def _arrow(name: str) -> str:
    better = {**HIGHER_IS_BETTER, "miscalibration": False}.get(name)
    return "" if better is None else " ↑" if better else " ↓"


def _range(board: Leaderboard, row: LeaderboardRow, name: str) -> str:
    interval = board.intervals[row.model][name]
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _known(value: float | None, pattern: str) -> str:
    return "–" if value is None else format(value, pattern)


def _best(yes: bool) -> str:
    return ' class="best"' if yes else ""


def _chip(name: str, colour: int) -> str:
    return f'<span class="chip b{colour % COLOURS}"></span>{escape(name)} '


def _metric_label(metric: str) -> str:
    name, _, depth = metric.partition("@")
    words = name.upper() if name in ("ndcg", "mrr", "hr", "map", "auc", "f1", "rmse", "mae") else name.capitalize()
    return f"{words}@{depth}" if depth else words


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def _figure(title: str, text: str, drawn: str) -> str:
    return (
        f'<figure><figcaption><h2>{escape(title)}</h2><p class="quiet">{escape(text)}</p></figcaption>{drawn}</figure>'
    )
