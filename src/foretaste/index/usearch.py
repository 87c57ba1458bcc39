"""HNSW graph (Malkov & Yashunin 2018) over 16-bit vectors in usearch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from foretaste.errors import MissingExtraError
from foretaste.types import NO_ITEM, FloatArray, IntArray

if TYPE_CHECKING:
    from pathlib import Path

FILE = "index.usearch"
CONNECTIVITY, EXPANSION_ADD = 16, 128


class UsearchEngine:
    """`AnnEngine` over usearch.

    effort : expansion_search (ef), nodes kept in the queue per query
    """

    efforts = (64, 128, 256, 512, 1024)

    def __init__(self, index: Any) -> None:
        self._index = index
        self.effort = self.efforts[0]

    @property
    def effort(self) -> int:
        return int(self._index.expansion_search)

    @effort.setter
    def effort(self, effort: int) -> None:
        self._index.expansion_search = effort

    @classmethod
    def build(cls, items: IntArray, vectors: FloatArray) -> Self:
        engine = cls(_empty(vectors.shape[1]))
        engine.add(items, vectors)
        return engine

    def add(self, items: IntArray, vectors: FloatArray) -> None:
        if len(items):
            self._index.add(items.astype(np.uint64), np.ascontiguousarray(vectors))

    def remove(self, items: IntArray) -> None:
        held = np.unique(items[items >= 0]).astype(np.uint64)
        held = held[self._index.contains(held)] if len(held) else held
        if len(held):
            self._index.remove(held)

    def propose(self, vectors: FloatArray, k: int) -> IntArray:
        if not len(self._index) or not len(vectors):
            return np.full((len(vectors), k), NO_ITEM, np.int32)
        matches = self._index.search(np.ascontiguousarray(vectors, np.float32).reshape(-1, vectors.shape[1]), k)
        keys = np.atleast_2d(np.asarray(matches.keys)).astype(np.int64)
        counts = np.asarray(getattr(matches, "counts", [keys.shape[1]]))
        items = np.full((len(vectors), k), NO_ITEM, np.int32)
        valid = np.arange(keys.shape[1]) < counts[:, None]
        items[:, : keys.shape[1]] = np.where(valid, keys, NO_ITEM)
        return items

    def save(self, folder: Path) -> None:
        self._index.save(str(folder / FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        if (index := _library().restore(str(folder / FILE))) is None:
            raise ValueError(f"{FILE} is not a usearch index")
        return cls(index)


def _empty(width: int) -> Any:
    return _library()(ndim=width, metric="ip", dtype="bf16", connectivity=CONNECTIVITY, expansion_add=EXPANSION_ADD)


def _library() -> Any:
    try:
        from usearch.index import Index
    except ModuleNotFoundError as error:
        raise MissingExtraError("usearch", "ann", "The usearch index") from error
    return Index
