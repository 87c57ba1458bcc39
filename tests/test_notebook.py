"""The bar of a notebook: drawn by IPython's display, and nowhere else."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from foretaste import notebook


class Handle:
    def __init__(self, pages: list[str]) -> None:
        self.pages = pages

    def update(self, page: str) -> None:
        self.pages.append(page)


def ipython(monkeypatch: pytest.MonkeyPatch, shell: str) -> list[str]:
    """A stand-in for IPython with a shell of that class."""
    pages: list[str] = []

    def display(page: str, *, display_id: bool) -> Handle:
        assert display_id
        pages.append(page)
        return Handle(pages)

    package, shown = ModuleType("IPython"), ModuleType("IPython.display")
    package.get_ipython = lambda: type(shell, (), {})()  # type: ignore[attr-defined]
    shown.HTML = str  # type: ignore[attr-defined]
    shown.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    monkeypatch.setattr(notebook, "MIN_SECONDS", 0.0)
    monkeypatch.setattr(notebook, "REDRAW_SECONDS", 0.0)
    return pages


def test_a_notebook_has_a_bar_that_goes_when_all_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = ipython(monkeypatch, "ZMQInteractiveShell")
    with notebook.auto_progress() as report:
        report("reading <x>", 3, 10)
        report("reading <x>", 10, 10)
    assert 'value="3" max="10"' in pages[0]
    assert "reading &lt;x&gt;" in pages[0]
    assert 'value="10"' in pages[1]
    assert pages[2] == ""


def test_a_bar_without_a_known_end_has_no_value() -> None:
    assert "<progress >" in notebook.bar("reading", 4, 5, 1.0)
    assert "4 of 5" in notebook.bar("reading", 4, 5, 1.0)


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = ipython(monkeypatch, "TerminalInteractiveShell")
    assert not notebook.in_notebook()
    with notebook.auto_progress() as report:
        report("reading", 1, 2)
    assert pages == []


def test_a_script_hears_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with notebook.auto_progress() as report:
        report("reading", 1, 1)
    assert capsys.readouterr() == ("", "")
