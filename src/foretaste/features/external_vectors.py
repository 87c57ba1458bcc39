"""Item vectors that were computed elsewhere (sound, video, another team's model), read from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from foretaste.errors import DataError
from foretaste.features.vector_ops import unit_rows

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.ids import IdMap
    from foretaste.types import FloatArray


class ExternalVectors(NamedTuple):
    """Vectors of a file, by item code.

    vectors : (n_items, D) float32 rows of length 1; 0 where an item has none
    missing : items without a vector
    unknown : vectors of items that are not in the catalogue
    """

    vectors: FloatArray
    missing: int
    unknown: int


def load_external_vectors(path: Path, ids: IdMap) -> ExternalVectors:
    """The vectors of a file, rows = item codes; DataError where the file is missing, malformed or not finite.

    path : a Parquet file with a column of item ids and one of vectors (a list or array of numbers); or NAME.npy
           (n, D) beside NAME.txt, one item id a line in the same order
    """
    if not path.is_file():
        raise DataError(
            f"There is no {path}; name a Parquet file of item ids and vectors, or a .npy with a .txt of ids."
        )
    names, raw = _numpy(path) if path.suffix == ".npy" else _parquet(path)
    if not np.isfinite(raw).all():
        bad = names[int(np.flatnonzero(~np.isfinite(raw).all(axis=1))[0])]
        raise DataError(f"{path}: the vector of item '{bad}' is not finite; leave such an item out.")
    codes = ids.codes(pl.Series(names, dtype=pl.String))
    vectors = np.zeros((len(ids), raw.shape[1]), np.float32)
    in_catalogue = codes >= 0
    vectors[codes[in_catalogue]] = raw[in_catalogue]
    vectors = unit_rows(vectors)
    return ExternalVectors(vectors, int((~vectors.any(axis=1)).sum()), int((~in_catalogue).sum()))


def _parquet(path: Path) -> tuple[list[str], FloatArray]:
    frame = pl.read_parquet(path)
    vectors = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List | pl.Array)]
    ids = next((name for name in ("item", "item_id", "id") if name in frame.columns), None)
    if len(vectors) != 1 or ids is None:
        raise DataError(f"{path} needs a column 'item' and one column of vectors; it has: {', '.join(frame.columns)}.")
    column = frame[vectors[0]]
    widths = column.list.len() if isinstance(column.dtype, pl.List) else column.arr.to_list().list.len()
    if widths.null_count() or widths.n_unique() != 1:
        raise DataError(
            f"{path}: the vectors have different lengths ({widths.min()!r} to {widths.max()!r}); make them one."
        )
    rows = np.array(column.to_list(), dtype=np.float32)
    return frame[ids].cast(pl.String).to_list(), rows


def _numpy(path: Path) -> tuple[list[str], FloatArray]:
    id_file = path.with_suffix(".txt")
    if not id_file.is_file():
        raise DataError(f"Beside {path} there must be {id_file.name}, one item id a line in the order of the vectors.")
    names = id_file.read_text(encoding="utf-8").splitlines()
    try:
        rows = np.load(path, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise DataError(f"{path} cannot be read as a plain NumPy array ({error}).") from error
    if rows.ndim != 2 or len(rows) != len(names) or not np.issubdtype(rows.dtype, np.number):
        raise DataError(
            f"{path} has shape {rows.shape} and {id_file.name} {len(names)} ids; one row of numbers per id."
        )
    return names, rows.astype(np.float32)
