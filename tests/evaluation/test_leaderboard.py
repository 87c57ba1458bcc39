"""A leaderboard reads well on any terminal: no model loses its name, no figure its digits."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

import worlds
from foretaste.evaluation.leaderboard import Leaderboard
from foretaste.evaluation.train import select_pipeline
from foretaste.types import Run


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    found = select_pipeline(worlds.parity(n_users=80), ["random", "popular", "itemknn", "ease"], Run()).leaderboard
    assert found is not None
    return found


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_every_name_and_digit_is_shown_at_any_width(board: Leaderboard, width: int) -> None:
    out = io.StringIO()
    Console(width=width, file=out).print(board.view())
    shown = out.getvalue()
    lines = shown.splitlines()
    assert max(len(line) for line in lines) <= width
    for row in board.rows:
        mine = next(line for line in lines if line.startswith(row.model))
        assert f"{row.result.mean('ndcg@10'):.4f} ±" in mine
    assert "…" not in shown
    assert ("recall@20" in lines[0]) == (width >= 100)
    assert ("Not shown" in shown) == (width < 100), "what is missing is said"
