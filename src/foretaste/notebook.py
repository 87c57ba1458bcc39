"""What a notebook shows while one waits: a bar of its own, since a notebook is no terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from html import escape
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIN_SECONDS = 0.5
"""What ends sooner shows nothing."""
REDRAW_SECONDS = 0.1


def in_notebook() -> bool:
    """Whether we run in a Jupyter kernel; IPython is asked only if somebody has loaded it already."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


@contextmanager
def auto_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yields what `Run.progress` wants: a bar in a notebook or on a terminal, and silence everywhere else."""
    if in_notebook():
        with _bar() as report:
            yield report
    elif sys.stderr is not None and sys.stderr.isatty():
        from rich.console import Console

        from foretaste.progress import progress

        with progress(Console(stderr=True)) as report:
            yield report
    else:
        yield lambda what, done, total: None


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    from IPython.display import HTML, display  # type: ignore[import-not-found,unused-ignore]  # there, or we were not

    began = drawn = monotonic()
    handle: Any = None

    def report(what: str, done: int, total: int) -> None:
        nonlocal handle, drawn
        now = monotonic()
        if now - began < MIN_SECONDS or (handle is not None and now - drawn < REDRAW_SECONDS and done < total):
            return
        drawn = now
        page = HTML(bar(what, done, total, now - began))
        if handle is None:
            handle = display(page, display_id=True)
        else:
            handle.update(page)

    try:
        yield report
    finally:
        if handle is not None:
            handle.update(HTML(""))


def bar(what: str, done: int, total: int, seconds: float) -> str:
    """One bar as HTML."""
    share = f'value="{done}" max="{max(total, 1)}"' if total > done + 1 or done >= total else ""  # no end is known
    return f"<div>{escape(what)} <progress {share}></progress> {done:,} of {total:,}, {seconds:.0f} s</div>"
