"""Published tables run on the split of their files, and say what they were compared with."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import worlds
from foretaste.data.sources.fixed_splits import load_fixed
from foretaste.errors import DataError, UnknownNameError
from foretaste.published.fixed_splits import BENCHMARKS, run_benchmark
from foretaste.registry import models
from foretaste.types import Run


def write(path: Path, *, with_validation: bool) -> None:
    data = worlds.parity(n_users=80)
    part = ["valid" if with_validation and p == 8 else "test" if p == 9 else "train" for p in data.position]
    frame = data.as_frame().select(user_id="user", item_id="item", split=pl.Series(part))
    path.parent.mkdir(parents=True)
    frame.sample(fraction=1.0, shuffle=True, seed=0).write_parquet(path)


@pytest.mark.parametrize("with_validation", [True, False])
def test_the_split_of_the_file_is_kept(tmp_path: Path, with_validation: bool) -> None:
    write(tmp_path / "set" / "x.parquet", with_validation=with_validation)
    split = load_fixed(tmp_path / "set" / "x.parquet")
    assert len(split.test) == 80
    assert (split.test.relevant.sum(axis=1) == 1).all()
    assert len(split.refit) == 720
    expected = 640 if with_validation else 720 - int(split.validation.relevant.sum())
    assert len(split.train) == expected
    if not with_validation:
        assert 40 < split.validation.relevant.sum() < 110
        assert "random 10%" in split.rule


def test_a_benchmark_runs_on_its_own_measures(tmp_path: Path) -> None:
    write(tmp_path / BENCHMARKS["gowalla"].file, with_validation=False)
    board = run_benchmark("gowalla", tmp_path, Run(), models=["popular", "itemknn"])
    rows = board.to_json()["rows"]
    assert rows[0]["model"] == "itemknn"
    assert {"recall@20", "ndcg@20", "coverage@10", "novelty@10"} <= set(rows[0]["test"])
    assert "ndcg@10" not in rows[0]["test"]
    assert rows[0]["protocol"]["split"].startswith("the split of the files")


def test_names_are_known_and_missing_data_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'gowalla'"):
        run_benchmark("gowala", tmp_path, Run())
    with pytest.raises(DataError, match="--root"):
        run_benchmark("gowalla", tmp_path, Run())
    for published in BENCHMARKS.values():
        assert set(published.models) <= set(models())
