"""What people read while they wait."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from foretaste import progress as module
from foretaste.progress import progress


def test_lines_say_how_fast_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 30.0, 60.0])
    monkeypatch.setattr(module, "monotonic", lambda: next(clock))
    paper = StringIO()
    with progress(Console(file=paper, width=100)) as report:
        report("reading texts", 0, 3000)
        report("reading texts", 1500, 3000)
        report("reading texts", 3000, 3000)
    assert paper.getvalue().splitlines() == [
        "reading texts: 1500 of 3000, 50/s, 30 s left",
        "reading texts: 3000 of 3000, 60 s",
    ]


def test_a_bar_says_how_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    clock = iter([0.0, 0.0, 40.0])
    monkeypatch.setattr(module, "monotonic", lambda: next(clock))
    with progress(Console(file=screen, force_terminal=True, width=120)) as report:
        report("training", 0, 100)
        report("training", 20, 100)
    assert "30.0/min" in screen.getvalue()


def test_what_is_done_at_once_says_nothing() -> None:
    paper = StringIO()
    with progress(Console(file=paper)) as report:
        report("reading texts", 3, 3)
    assert not paper.getvalue()
