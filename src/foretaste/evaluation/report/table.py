"""The leaderboard as a terminal table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.console import Group
from rich.table import Table
from rich.text import Text

from foretaste.evaluation.beyond_accuracy_metrics import HIGHER_IS_BETTER
from foretaste.evaluation.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType

    from foretaste.evaluation.intervals import Interval
    from foretaste.evaluation.leaderboard_row import LeaderboardRow
    from foretaste.evaluation.protocol import EvaluationProtocol
    from foretaste.evaluation.segments import Segment

DIGITS = {"novelty": 2, "coverage": 3, "gini": 3, "diversity": 3, "popularity": 3, "tail": 3, "miscalibration": 3}


class LeaderboardLike(Protocol):
    """What the table reads of a `Leaderboard`; a protocol, because `leaderboard.py` imports this file."""

    @property
    def rows(self) -> tuple[LeaderboardRow, ...]: ...
    @property
    def main(self) -> str: ...
    @property
    def segments(self) -> tuple[Segment, ...]: ...
    @property
    def remarks(self) -> tuple[str, ...]: ...
    @property
    def protocol(self) -> EvaluationProtocol: ...
    @property
    def intervals(self) -> Mapping[str, Mapping[str, Interval]]: ...
    def sorted(self) -> list[LeaderboardRow]: ...
    @property
    def tied_with_best(self) -> frozenset[str]: ...


def leaderboard_view(board: LeaderboardLike) -> Group:
    """Accuracy, beyond-accuracy metrics, then the protocol."""
    names = list(board.rows[0].result.per_user)
    tied = board.tied_with_best
    best = {name: max(row.result.mean(name) for row in board.rows) for name in names}
    lines = []
    for row in board.sorted():
        cells = []
        for name in names:
            mean = row.result.mean(name)
            text = f"{mean:.4f}"
            if name == board.main:
                text += f" ±{board.intervals[row.model][name].half:.4f}"
            cells.append(Text(text, style="bold green" if mean == best[name] else ""))
        called = Text(row.model + (" =" if row.model in tied and len(tied) > 1 else ""))
        rest = (f"{row.result.coverage:.0%}", f"{row.fit_seconds:.2f}", f"{row.result.seconds:.2f}")
        lines.append((called, cells, rest))
    remarks = f"± half of the {LEVEL:.0%} interval over users."
    if len(tied) > 1:
        remarks += " = statistically tied with the best: the interval of the paired difference includes 0."
    headings = [f"{name} ± " if name == board.main else name for name in names]
    parts: list[RenderableType] = [
        _FittingTable(headings, lines, ("coverage", "fit s", "answer s")),
        Text(remarks, style="dim"),
    ]
    parts += [*_stability(board), *_beyond(board), Text(board.protocol.sentence(), style="dim")]
    parts += [Text(remark, style="yellow") for remark in board.remarks]
    return Group(*parts)


def _stability(board: LeaderboardLike) -> list[RenderableType]:
    """Seeds, tie orders and the gap between the splits, where they were measured."""
    columns = {
        "seeds ±": [None if row.seeds is None else f"{row.seeds.mean:.4f} ±{row.seeds.half:.4f}" for row in board.rows],
        "tie order ±": [
            None if row.ties is None else f"{row.ties.mean:.4f} ±{row.ties.half:.4f}" for row in board.rows
        ],
        "leave-one-out": [None if row.leakage is None else f"{row.leakage.leave_one_out:.4f}" for row in board.rows],
        "time split": [None if row.leakage is None else f"{row.leakage.time:.4f}" for row in board.rows],
        "leakage": [None if row.leakage is None else f"{row.leakage.gap:+.4f}" for row in board.rows],
    }
    shown = {name: cells for name, cells in columns.items() if any(cell is not None for cell in cells)}
    if not shown:
        return []
    number = {row.model: i for i, row in enumerate(board.rows)}
    lines = [
        (Text(row.model), [Text(cells[number[row.model]] or "–") for cells in shown.values()], ())
        for row in board.sorted()
    ]
    note = f"{board.main} repeated: ± half of the {LEVEL:.0%} prediction interval for one more run."
    users = next((row.leakage.people for row in board.rows if row.leakage is not None), None)
    if users is not None:
        note += f" Leakage: leave-one-out minus time split, for {users:,} users with one target on both splits."
    return [Text(), _FittingTable(list(shown), lines, ()), Text(note, style="dim")]


def _beyond(board: LeaderboardLike) -> list[RenderableType]:
    if not board.rows[0].result.beyond:
        return []
    of_all = {row.model: row.result.catalogue_metrics() for row in board.rows}
    names = [*board.rows[0].result.beyond, *(name for name in of_all[board.rows[0].model] if "coverage" not in name)]

    def value(row: LeaderboardRow, name: str) -> float:
        return of_all[row.model][name] if name in of_all[row.model] else row.result.mean(name)

    lines = []
    for row in board.sorted():
        cells = []
        for name in names:
            short = name.partition("@")[0]
            others = [value(other, name) for other in board.rows]
            mean = value(row, name)
            better = HIGHER_IS_BETTER.get(short)
            first = better is not None and mean == (max(others) if better else min(others))
            text = "–" if math.isnan(mean) else f"{mean:.{DIGITS.get(short, 4)}f}"
            cells.append(Text(text, style="green" if first else ""))
        peak = "–" if row.peak_megabytes is None else f"{row.peak_megabytes:,.0f}"
        lines.append((Text(row.model), cells, (peak,)))
    depth = names[0].partition("@")[2]
    headings = [name.partition("@")[0] for name in names]
    note = f"Beyond accuracy, on the first {depth} positions; diversity by {board.protocol.distance or 'item vectors'}."
    return [Text(), _FittingTable(headings, lines, ("peak MB",)), Text(note, style="dim")]


def segments_view(board: LeaderboardLike) -> Group:
    """The main metric by segment of users, the best models first."""
    rows = board.sorted()
    lines = []
    for segment in board.segments:
        found = [segment.of(row.result.per_user[board.main]) for row in rows]
        best = max(interval.mean for interval in found)
        cells = [
            Text(f"{interval.mean:.4f} ±{interval.half:.4f}", style="bold green" if interval.mean == best else "")
            for interval in found
        ]
        called = Text(f"{segment.group}: {segment.label}")
        lines.append((called, [Text(f"{len(segment.people):,}"), *cells], ()))
    table = _FittingTable(["users", *(row.model for row in rows)], lines, (), first="segment")
    return Group(Text(), table, Text(f"{board.main} by segment, ± half of the interval over its users.", style="dim"))


@dataclass(frozen=True, eq=False)
class _FittingTable:
    """Shows as many metrics as fit the width; rich would shrink all columns and hide the model names."""

    names: list[str]
    lines: Sequence[tuple[Text, list[Text], tuple[str, ...]]]
    rest: tuple[str, ...]
    first: str = "model"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        shown = len(self.names)
        while shown > 1 and console.measure(self._table(shown), options=options.update(max_width=10_000)).maximum > (
            options.max_width
        ):
            shown -= 1
        yield self._table(shown)
        if hidden := self.names[shown:]:
            names = ", ".join(name.removesuffix(" ± ") for name in hidden)
            yield Text(f"Not shown, the terminal is too narrow: {names}; --json has them all.", style="dim")

    def _table(self, shown: int) -> Table:
        table = Table(box=None, header_style="bold", padding=(0, 1), pad_edge=False)
        table.add_column(self.first, no_wrap=True)
        for name in (*self.names[:shown], *self.rest):
            table.add_column(name, justify="right", no_wrap=True)
        for called, cells, rest in self.lines:
            table.add_row(called, *cells[:shown], *rest)
        return table
