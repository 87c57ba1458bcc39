"""The examples run as they stand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_every_cell_of_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(EXAMPLES)
    notebook = json.loads((EXAMPLES / "three_steps.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 5
    names: dict[str, object] = {}
    for cell in cells:
        exec(compile(cell, "three_steps.ipynb", "exec"), names)
    assert "because of" in capsys.readouterr().out
    assert names["found"].leaderboard is not None


def test_the_bookshop_is_what_its_script_writes(tmp_path: Path) -> None:
    script = (EXAMPLES / "make_bookshop.py").read_text(encoding="utf-8")
    (tmp_path / "make_bookshop.py").write_text(script, encoding="utf-8")
    subprocess.run([sys.executable, str(tmp_path / "make_bookshop.py")], check=True)
    for name in ("orders.csv", "books.csv"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()
