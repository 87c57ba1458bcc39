"""Vectors made elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foretaste.data.ids import IdMap
from foretaste.errors import DataError
from foretaste.features.external_vectors import load_external_vectors

IDS = IdMap(["a", "b", "c"])


def test_parquet_and_numpy_say_the_same(tmp_path: Path) -> None:
    rows = [[0.0, 2.0], [3.0, 4.0], [1.0, 1.0]]
    pl.DataFrame({"item": ["b", "a", "zz"], "sound": rows}).write_parquet(tmp_path / "v.parquet")
    np.save(tmp_path / "v.npy", np.array(rows))
    (tmp_path / "v.txt").write_text("b\na\nzz\n")
    for name in ("v.parquet", "v.npy"):
        found = load_external_vectors(tmp_path / name, IDS)
        np.testing.assert_allclose(found.vectors, [[0.6, 0.8], [0, 1], [0, 0]], rtol=1e-6)
        assert (found.missing, found.unknown) == (1, 1)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pl.DataFrame({"item": ["a", "b"], "v": [[1.0], [1.0, 2.0]]}), "different lengths"),
        (pl.DataFrame({"item": ["a", "b"], "v": [[1.0], [float("nan")]]}), "item 'b' is not finite"),
        (pl.DataFrame({"thing": ["a"], "v": [[1.0]]}), "needs a column 'item'"),
    ],
)
def test_wrong_tables_are_a_sentence(tmp_path: Path, frame: pl.DataFrame, says: str) -> None:
    frame.write_parquet(tmp_path / "v.parquet")
    with pytest.raises(DataError, match=says):
        load_external_vectors(tmp_path / "v.parquet", IDS)


def test_wrong_numpy_files_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no"):
        load_external_vectors(tmp_path / "v.npy", IDS)
    np.save(tmp_path / "v.npy", np.ones((2, 3)))
    with pytest.raises(DataError, match=r"v\.txt, one item id a line"):
        load_external_vectors(tmp_path / "v.npy", IDS)
    (tmp_path / "v.txt").write_text("a\n")
    with pytest.raises(DataError, match="one row of numbers per id"):
        load_external_vectors(tmp_path / "v.npy", IDS)
    np.save(tmp_path / "v.npy", np.array([{"run": "me"}]), allow_pickle=True)
    with pytest.raises(DataError, match="plain NumPy array"):
        load_external_vectors(tmp_path / "v.npy", IDS)
