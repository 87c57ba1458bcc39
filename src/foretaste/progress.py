"""Progress reports: bars on a terminal, plain lines elsewhere, nothing for short tasks."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

MIN_SECONDS = 2.0
"""Tasks shorter than this print no line; on a terminal their bar disappears."""


@contextmanager
def progress(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Yields a callback for `Run.progress`, called with (task, done, total) at any rate."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}
        began: dict[str, float] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                began[what] = monotonic()
                tasks[what] = bars.add_task(what, total=total, rate="")
            bars.update(tasks[what], completed=done, total=total, rate=_rate(done, monotonic() - began[what]))
            if done >= total:
                bars.remove_task(tasks.pop(what))

        yield report


def _lines(console: Console) -> Callable[[str, int, int], None]:
    began: dict[str, float] = {}
    last_printed: dict[str, float] = {}

    def report(what: str, done: int, total: int) -> None:
        now = monotonic()
        began.setdefault(what, now)
        if done >= total:
            if now - began[what] > MIN_SECONDS:
                console.print(f"{what}: {total} of {total}, {now - began[what]:.0f} s", highlight=False)
            began.pop(what)
        elif now - max(last_printed.get(what, 0.0), began[what]) > 10 * MIN_SECONDS:
            last_printed[what] = now
            seconds = now - began[what]
            left = f", {seconds * (total - done) / done:.0f} s left" if done else ""
            console.print(f"{what}: {done} of {total}, {_rate(done, seconds)}{left}", highlight=False)

    return report


def _rate(done: int, seconds: float) -> str:
    """Rate per second, or per minute for slow tasks; empty before the first result."""
    if not done or seconds <= 0:
        return ""
    per_second = done / seconds
    return f"{per_second:,.0f}/s" if per_second >= 1 else f"{60 * per_second:.1f}/min"
