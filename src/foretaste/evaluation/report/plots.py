"""Small SVG plots for the report: no scripts, no fonts, colours by CSS class, so that one SVG fits light and dark.

Every mark has its values as a <title>, which browsers show as a tooltip and screen readers read.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 14, 44
ROW = 30
"""Height in pixels of one model in `whiskers`."""
COLOURS = 10


class Point(NamedTuple):
    label: str
    x: float
    y: float
    colour: int
    tooltip: str


class Whisker(NamedTuple):
    """One model's mean with its intervals."""

    label: str
    mean: float
    colour: int
    bars: tuple[tuple[str, float, float], ...]
    """(what the interval is over, low, high)"""


class Line(NamedTuple):
    label: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    colour: int
    dashed: bool = False


def scatter(points: Sequence[Point], x_name: str, y_name: str) -> str:
    """A scatter plot with labels, moved apart where they would overlap."""
    x, y = _Scale.of([p.x for p in points], LEFT, WIDTH - RIGHT), _Scale.of([p.y for p in points], HEIGHT - BOTTOM, TOP)
    drawn: list[str] = []
    taken = [(x(p.x) - 6, x(p.x) + 6, y(p.y) + 4) for p in points]  # begin, end and height of what lies there
    for p in sorted(points, key=lambda p: -p.y):
        at, height = x(p.x), y(p.y)
        width = 7.2 * len(p.label)
        to_the_left = at + 10 + width > WIDTH - RIGHT
        begin = at - 10 - width if to_the_left else at + 10
        label = height + 4
        while any(abs(label - other) < 13 and begin < end and begin + width > start for start, end, other in taken):
            label += 3
        taken.append((begin, begin + width, label))
        anchor, text_x = ("end", at - 10) if to_the_left else ("start", at + 10)
        drawn.append(
            f"<g><title>{escape(p.tooltip)}</title>"
            f'<circle class="c{p.colour % COLOURS}" cx="{at:.1f}" cy="{height:.1f}" r="6"/>'
            f'<text x="{text_x:.1f}" y="{label:.1f}" text-anchor="{anchor}">{escape(p.label)}</text></g>'
        )
    return _svg(HEIGHT, x.grid_x(HEIGHT, x_name) + y.grid_y(y_name) + "".join(drawn), f"{y_name} against {x_name}")


def whiskers(rows: Sequence[Whisker], x_name: str) -> str:
    """One line per model: a dot for the mean, a bar per interval."""
    height = TOP + ROW * len(rows) + BOTTOM
    left = max([LEFT, *(16 + round(7.2 * len(row.label)) for row in rows)])
    ends = [bound for row in rows for _, low, high in row.bars for bound in (low, high)]
    x = _Scale.of([*(row.mean for row in rows), *ends], left, WIDTH - RIGHT, from_zero=False)
    drawn = []
    for number, row in enumerate(rows):
        middle = TOP + ROW * (number + 0.5)
        colour = f"c{row.colour % COLOURS}"
        drawn.append(f'<text x="{left - 10}" y="{middle + 4:.1f}" text-anchor="end">{escape(row.label)}</text>')
        for place, (over, low, high) in enumerate(row.bars):
            shift = middle + 7 * (place - (len(row.bars) - 1) / 2)
            drawn.append(
                f"<g><title>{escape(row.label)}, over {over}: {low:.4f} to {high:.4f}</title>"
                f'<rect class="{colour} over{place}" x="{x(low):.1f}" y="{shift - 2.5:.1f}" '
                f'width="{max(1.5, x(high) - x(low)):.1f}" height="5" rx="2.5"/></g>'
            )
        drawn.append(
            f'<circle class="{colour} ring" cx="{x(row.mean):.1f}" cy="{middle:.1f}" r="5">'
            f"<title>{escape(row.label)}: {row.mean:.4f}</title></circle>"
        )
    return _svg(height, x.grid_x(height, x_name) + "".join(drawn), x_name)


def lines(series: Sequence[Line], x_name: str, y_name: str, *, from_zero: bool = False) -> str:
    """Line chart with labels at the ends of the lines."""
    xs, ys = [v for line in series for v in line.xs], [v for line in series for v in line.ys]
    room = max([0, *(round(7.2 * len(line.label)) for line in series)]) + 12
    x = _Scale.of(xs, LEFT, WIDTH - RIGHT - room, from_zero=from_zero, whole=True)
    y = _Scale.of(ys, HEIGHT - BOTTOM, TOP, from_zero=from_zero)
    drawn, taken = [], list[float]()
    for line in sorted(series, key=lambda line: -line.ys[-1]):
        colour = f"s{line.colour % COLOURS}" + (" dashed" if line.dashed else "")
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in zip(line.xs, line.ys, strict=True))
        label = y(line.ys[-1]) + 4
        while any(abs(label - other) < 13 for other in taken):
            label += 2
        taken.append(label)
        dots = "".join(
            f'<circle class="c{line.colour % COLOURS}" cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.5">'
            f"<title>{escape(line.label)}: {b:.4f} ({x_name} {a:g})</title></circle>"
            for a, b in zip(line.xs, line.ys, strict=True)
        )
        drawn.append(
            f'<polyline class="{colour}" points="{path}"/>{dots}'
            f'<text x="{x(line.xs[-1]) + 8:.1f}" y="{label:.1f}">{escape(line.label)}</text>'
        )
    grid = x.grid_x(HEIGHT, x_name) + y.grid_y(y_name)
    return _svg(HEIGHT, grid + "".join(drawn), f"{y_name} by {x_name}")


def bars(groups: Sequence[tuple[str, Sequence[Point]]], y_name: str) -> str:
    """Grouped bar chart; a point's y is the height, its x is unused."""
    heights = [p.y for _, points in groups for p in points]
    y = _Scale.of(heights, HEIGHT - BOTTOM, TOP)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    drawn = []
    for number, (label, points) in enumerate(groups):
        begin = LEFT + step * number + step * 0.1
        width = step * 0.8 / max(1, len(points))
        for place, p in enumerate(points):
            top, bottom = y(p.y), y(0)
            drawn.append(
                f'<rect class="c{p.colour % COLOURS}" x="{begin + width * place:.1f}" y="{min(top, bottom):.1f}" '
                f'rx="1.5" width="{max(1.0, width - 1.5):.1f}" height="{abs(bottom - top):.1f}">'
                f"<title>{escape(p.tooltip)}</title></rect>"
            )
        for row, part in enumerate(_wrapped(label, int(step / 6.2))):
            drawn.append(
                f'<text x="{begin + step * 0.4:.1f}" y="{HEIGHT - BOTTOM + 16 + 13 * row}" text-anchor="middle">'
                f"{escape(part)}</text>"
            )
    return _svg(HEIGHT, y.grid_y(y_name) + "".join(drawn), y_name)


class _Scale:
    """A linear axis: values to SVG coordinates, with round ticks."""

    def __init__(self, low: float, high: float, begin: float, end: float, ticks: Sequence[float]) -> None:
        self.low, self.high, self.begin, self.end, self.ticks = low, high, begin, end, ticks

    @classmethod
    def of(
        cls, values: Sequence[float], begin: float, end: float, *, from_zero: bool = True, whole: bool = False
    ) -> _Scale:
        known = [v for v in values if np.isfinite(v)] or [0.0, 1.0]
        low, high = min([0.0, *known] if from_zero else known), max(known)
        if high <= low:
            low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
        step = _round_step((high - low) / 5)
        if whole:
            step = max(1.0, step)
        first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
        ticks = [float(step * k) for k in np.arange(first, last + 1)]
        return cls(ticks[0], ticks[-1], begin, end, ticks)

    def __call__(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)

    def words(self) -> list[str]:
        gap = min(b - a for a, b in pairwise(self.ticks))
        digits = max(0, -int(np.floor(np.log10(gap) + 1e-9)))  # as many as the step has
        return [f"{tick:,.{digits}f}" for tick in self.ticks]

    def grid_x(self, height: float, name: str) -> str:
        bottom = height - BOTTOM
        drawn = "".join(
            f'<line class="grid" x1="{self(t):.1f}" x2="{self(t):.1f}" y1="{TOP}" y2="{bottom}"/>'
            f'<text class="quiet" x="{self(t):.1f}" y="{bottom + 16}" text-anchor="middle">{word}</text>'
            for t, word in zip(self.ticks, self.words(), strict=True)
        )
        middle = (self.begin + self.end) / 2
        return (
            drawn + f'<text class="name" x="{middle:.1f}" y="{height - 8}" text-anchor="middle">{escape(name)}</text>'
        )

    def grid_y(self, name: str) -> str:
        drawn = "".join(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self(t):.1f}" y2="{self(t):.1f}"/>'
            f'<text class="quiet" x="{LEFT - 7}" y="{self(t) + 4:.1f}" text-anchor="end">{word}</text>'
            for t, word in zip(self.ticks, self.words(), strict=True)
        )
        middle = (self.begin + self.end) / 2
        return drawn + (
            f'<text class="name" transform="translate(14 {middle:.1f}) rotate(-90)" text-anchor="middle">'
            f"{escape(name)}</text>"
        )


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, no smaller than `rough`."""
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9)))


def _wrapped(text: str, width: int) -> list[str]:
    """At most two lines."""
    found = [""]
    for word in text.split():
        if found[-1] and len(found[-1]) + len(word) >= width and len(found) < 2:
            found.append("")
        found[-1] = f"{found[-1]} {word}".strip()
    return found


def _svg(height: float, drawn: str, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{drawn}</svg>'
    )
