"""docs/training.md tells the truth: its Python runs, in order, and its command is the one that is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import worlds

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sentence_transformers", reason="the extra 'text' is not installed")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, object] = {"data": worlds.parity(20, 12, 5), "other": worlds.parity(20, 14, 5, seed=1)}
    for block in blocks:
        exec(compile(block, "docs/training.md", "exec"), names)
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"curves.csv", "checkpoints"}
    assert names["found"].items.shape == (1, 10)
