"""The tables of the next item, on a small set in the shape of the real ones."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from foretaste.errors import ConfigError, UnknownNameError
from foretaste.published import next_item as published_next
from foretaste.published.run_table import run_table
from foretaste.types import Run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Everybody walks round a circle of 30 items: the next item follows from the last one alone."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(200):
        start = rng.integers(30)
        rows += [(user, int((start + step) % 30), step) for step in range(8)]
    folder = tmp_path / "amazon-beauty"
    folder.mkdir()
    pl.DataFrame(rows, schema=["user_id", "item_id", "position"], orient="row").write_parquet(
        folder / "interactions.parquet"
    )
    return tmp_path


def test_every_variant_has_its_row(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    from foretaste.models.sequence.sasrec import SasRecConfig
    from foretaste.training.config import TrainingConfig

    small = SasRecConfig(
        width=32, dropout=0.1, training=TrainingConfig(epochs=30, batch_events=224, learning_rate=0.01)
    )
    monkeypatch.setitem(published_next.VARIANTS, "sasrec+small", ("sasrec", small.model_dump()))
    kept: list[int] = []
    boards = published_next.run_next_item(
        "amazon-beauty",
        root,
        Run(),
        models=("itemknn", "sasrec+small", "merge"),
        each=lambda so_far: kept.append(len(so_far.to_json()["rows"])),
    )
    assert kept == [4, 8, 12], "what is there after each model can be kept"
    found = boards.to_json()
    rows = {(row["model"], row["protocol"]["variant"], row["protocol"]["seen"]): row for row in found["rows"]}
    assert len(rows) == 12
    assert rows["sasrec+small", "strict", "excluded"]["test"]["ndcg@10"] > 0.9, "it reads the order"
    neighbours = rows["itemknn", "strict", "excluded"]
    alike = [tried["ndcg@10"] for tried in neighbours["tried"] if tried["settings"]["half_life_events"] is None]
    assert max(alike) < 0.9, "which neighbours do not"
    assert neighbours["settings"]["half_life_events"] is not None, "unless old events fade"
    merge = rows["merge", "refit", "excluded"]
    assert set(merge["settings"]["weights"]) <= {"itemknn", "sasrec+small"}
    assert merge["test"]["ndcg@10"] > 0.9
    with pytest.raises(ConfigError, match="merges the models named before it"):
        published_next.run_next_item("amazon-beauty", root, Run(), models=("popular", "merge"))
    epochs = rows["sasrec+small", "refit", "excluded"]["settings"]["training"]["epochs"]
    assert 1 <= epochs <= 30
    console = Console(width=200, record=True, file=StringIO())
    console.print(boards.view())
    assert console.export_text().count("seen items included") >= 2


def test_a_name_it_does_not_know(root: Path) -> None:
    with pytest.raises(UnknownNameError, match="amazon-beauty"):
        published_next.run_next_item("amazon-beuty", root, Run())


def test_the_second_variant_can_be_left_out(root: Path) -> None:
    found = published_next.run_next_item("amazon-beauty", root, Run(), models=("popular",), strict=True).to_json()
    assert [(row["protocol"]["variant"], row["protocol"]["seen"]) for row in found["rows"]] == [
        ("strict", "excluded"),
        ("strict", "included"),
    ]
    with pytest.raises(ConfigError, match="leave --strict out"):
        run_table("gowalla", root, Run(), strict=True)
