"""The default vector index: exhaustive search in blocks. Up to about 20,000 items nothing is faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from foretaste.errors import BundleError, DataError
from foretaste.index import topk
from foretaste.index.topk import top_k
from foretaste.types import NO_ITEM, BoolArray, FloatArray, IntArray, Ragged

if TYPE_CHECKING:
    from pathlib import Path

FILE = "vectors.safetensors"


class ExactIndex:
    """Exhaustive maximum inner product search over a matrix that may grow.

    vectors : (n, D) float32, row = item code, all 0 where an item has no vector; a view, changed by `put` and `delete`
    """

    def __init__(self, vectors: FloatArray) -> None:
        """vectors : (n, D) float32; copied, because the index may grow"""
        self._buffer = np.array(vectors, np.float32, order="C")
        self._n = len(self._buffer)
        self._present: BoolArray = np.asarray(self._buffer.any(axis=1))

    def __len__(self) -> int:
        return int(self._present.sum())

    @property
    def vectors(self) -> FloatArray:
        return self._buffer[: self._n]

    @property
    def present(self) -> BoolArray:
        """(n,) true for items that have a vector."""
        return self._present[: self._n]

    def search(
        self, vectors: FloatArray, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> tuple[IntArray, FloatArray]:
        table, present = self.vectors, self.present
        searchable = present if allowed is None else present & padded_mask(allowed, len(present))
        rows: IntArray | None = None
        if 2 * int(searchable.sum()) < len(table):  # less than half may be returned: only those rows are multiplied
            rows = np.flatnonzero(searchable).astype(np.int32)
            table = table[rows]
        B = len(vectors)
        items, scores = np.full((B, k), NO_ITEM, np.int32), np.full((B, k), np.nan, np.float32)
        at_once = max(1, topk.BLOCK_CELLS // max(1, len(table)))
        for start in range(0, B, at_once):
            block = np.arange(start, min(start + at_once, B))
            block_scores: FloatArray = vectors[block] @ table.T
            if rows is None:
                block_scores[:, ~searchable] = np.nan
            if exclude is not None:
                _exclude(block_scores, exclude.take(block), rows)
            places, scores[block] = top_k(block_scores, k)
            items[block] = places if rows is None else np.where(places == NO_ITEM, NO_ITEM, _at(rows, places))
        return items, scores

    def put(self, items: IntArray, vectors: FloatArray) -> None:
        if vectors.ndim != 2 or vectors.shape[1] != self._buffer.shape[1]:
            width = self._buffer.shape[1]
            raise DataError(f"The index holds vectors of width {width}; these have shape {vectors.shape}.")
        if not len(items):
            return
        if (top := int(items.max()) + 1) > len(self._buffer):  # grow by half, so that n single puts copy O(n) rows
            grown = np.zeros((max(top, len(self._buffer) * 3 // 2), self._buffer.shape[1]), np.float32)
            grown[: self._n] = self.vectors
            present = np.zeros(len(grown), np.bool_)
            present[: self._n] = self.present
            self._buffer, self._present = grown, present
        self._n = max(self._n, top)
        self._buffer[items] = vectors
        self._present[items] = vectors.any(axis=1)

    def delete(self, items: IntArray) -> None:
        held = items[(items >= 0) & (items < self._n)]
        self._buffer[held] = 0
        self._present[held] = False

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"vectors": np.ascontiguousarray(self.vectors)}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            return cls(load_file(folder / FILE)["vectors"])
        except (OSError, KeyError, SafetensorError) as error:
            raise BundleError(f"The index in {folder} cannot be read ({error}); build it again.") from error


def padded_mask(allowed: BoolArray, n: int) -> BoolArray:
    """(n,) the mask for n items; items added after the mask was made are not allowed."""
    if len(allowed) >= n:
        return allowed[:n]
    return np.concatenate([allowed, np.zeros(n - len(allowed), np.bool_)])


def _exclude(scores: FloatArray, exclude: Ragged, rows: IntArray | None) -> None:
    """Set excluded items to nan; `rows` are the item codes of the columns, ascending, None where column = code."""
    row, item = exclude.row_of_event(), exclude.items
    if rows is None:
        inside = (item >= 0) & (item < scores.shape[1])
        scores[row[inside], item[inside]] = np.nan
    elif len(rows):
        place = np.minimum(np.searchsorted(rows, item), len(rows) - 1)
        matches = rows[place] == item
        scores[row[matches], place[matches]] = np.nan


def _at(rows: IntArray, places: IntArray) -> IntArray:
    return rows[np.maximum(places, 0)] if len(rows) else np.full_like(places, NO_ITEM)
