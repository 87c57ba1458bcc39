"""Progress bars in notebooks, and the choice between notebook, terminal and none."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from html import escape
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIN_SECONDS = 0.5
"""Tasks shorter than this show no bar."""
REDRAW_SECONDS = 0.1


def in_notebook() -> bool:
    """Whether this is a Jupyter kernel; does not import IPython."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


@contextmanager
def auto_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yields a callback for `Run.progress`: a bar in a notebook or on a terminal, nothing elsewhere."""
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
    from IPython.display import HTML, display  # type: ignore[import-not-found,unused-ignore]  # loaded, or in_notebook() is false

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
    """A progress bar as HTML; `seconds` since the start."""
    share = (
        f'value="{done}" max="{max(total, 1)}"' if total > done + 1 or done >= total else ""
    )  # indeterminate while total is only a lower bound
    return f"<div>{escape(what)} <progress {share}></progress> {done:,} of {total:,}, {seconds:.0f} s</div>"
