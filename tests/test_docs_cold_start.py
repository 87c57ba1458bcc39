"""docs/cold-start.md tells the truth: its models exist, its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import worlds
from foretaste.registry import models

PAGE = (Path(__file__).parents[1] / "docs" / "cold-start.md").read_text(encoding="utf-8")


def test_every_model_of_the_page_exists() -> None:
    table = [line for line in PAGE.splitlines() if line.startswith("| `")]
    named = [name for line in table for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    named += re.findall(r"--model (\w+)", PAGE)
    assert len(named) >= 8
    assert set(named) <= set(models())


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sentence_transformers", reason="the extra 'text' is not installed")
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path))
    from foretaste.training.config import TrainingConfig

    short = TrainingConfig(epochs=1, least_steps=0, batch_events=60)
    block = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert block
    code = block[1].replace("batches=2)", "batches=2, training=short)")  # the page would train twenty epochs
    found = {"data": worlds.parity(n_users=10), "short": short}
    exec(compile(code, "cold-start.md", "exec"), found)
    assert Path(found["encoder"].name).is_dir()
