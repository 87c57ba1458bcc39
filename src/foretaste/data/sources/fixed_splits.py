"""Data whose authors fixed the split: a Parquet file with user_id, item_id and split (train, valid, test)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.data.splits import Split, fixed
from foretaste.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("train", "valid", "test")


def load_fixed(path: Path, *, validation_share: float = 0.1, seed: int = 0) -> Split:
    """The split in the file; where it has no validation part, a random tenth of the training events, as papers take."""
    if not path.is_file():
        raise DataError(f"There is no {path}; a benchmark reads it there. Give its folder with --root.")
    rows = pl.read_parquet(path, columns=["user_id", "item_id", "split"])
    if unknown := set(rows["split"].unique()) - set(PARTS):
        raise DataError(f"{path} has a split '{unknown.pop()}'; known are {', '.join(PARTS)}.")
    part = rows["split"].replace_strict(dict(zip(PARTS, range(3), strict=True)), return_dtype=pl.Float32)
    # Carried as the value of each event, so that it is sorted along with it.
    events = rows.select(user="user_id", item="item_id", value=part)
    data = Dataset.from_frame(events, name=f"{path.parent.name}/{path.stem}")
    is_test, is_validation = data.value == 2, data.value == 1
    rule = "the split of the files"
    if not is_validation.any():
        is_validation = ~is_test & (np.random.default_rng(seed).random(len(data)) < validation_share)
        rule += f"; validation a random {validation_share:.0%} of train"
    return fixed(data, is_test, is_validation, rule)
