"""What was acknowledged is there, once, whatever happens to the process."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

from serving.crash import crash


def test_kills_lose_double_and_invent_nothing(shop: Path, tmp_path: Path) -> None:
    """A minute of it; `python -m benchmarks serving_crash` runs ten."""
    copytree(shop, tmp_path / "shop")
    outcome = crash(tmp_path / "shop", seconds=60, every=5, chance=0.3, seed=1)
    assert outcome.kills >= 2
    assert outcome.acknowledged > 200
    assert (outcome.lost, outcome.doubled, outcome.invented, outcome.strange) == ([], [], [], [])
