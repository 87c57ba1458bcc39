"""IVF index of 8-bit vectors (Jégou et al. 2011) in faiss: quick to build, and items can be removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from foretaste.errors import MissingExtraError
from foretaste.types import NO_ITEM, FloatArray, IntArray

if TYPE_CHECKING:
    from pathlib import Path

FILE = "index.faiss"
TRAINING_VECTORS_PER_LIST = 64
"""Training vectors per inverted list; more costs minutes and changes nothing."""


class FaissEngine:
    """`AnnEngine` over faiss.

    effort : nprobe, inverted lists scanned per query
    """

    def __init__(self, index: Any) -> None:
        self._index = index
        self.efforts = (*(2**i for i in range(2, 12) if 2**i < index.nlist), int(index.nlist))
        self.effort = self.efforts[0]

    @classmethod
    def build(cls, items: IntArray, vectors: FloatArray) -> Self:
        faiss = _library()
        n, D = vectors.shape
        lists = max(1, min(int(4 * np.sqrt(n)), n // 40))
        index = faiss.index_factory(D, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        sample = (
            np.random.default_rng(0).choice(n, min(n, lists * TRAINING_VECTORS_PER_LIST), replace=False) if n else []
        )
        if n:
            index.train(np.ascontiguousarray(vectors[sample]))
        engine = cls(index)
        if n:
            engine.add(items, vectors)
        return engine

    def add(self, items: IntArray, vectors: FloatArray) -> None:
        if not self._index.is_trained:  # the first vectors of an index that was built empty
            self._index.train(np.ascontiguousarray(vectors))
        self._index.add_with_ids(np.ascontiguousarray(vectors), items.astype(np.int64))

    def remove(self, items: IntArray) -> None:
        if self._index.is_trained:
            self._index.remove_ids(items.astype(np.int64))

    def propose(self, vectors: FloatArray, k: int) -> IntArray:
        if not self._index.is_trained:
            return np.full((len(vectors), k), NO_ITEM, np.int32)
        parameters = _library().SearchParametersIVF(nprobe=self.effort)
        _, codes = self._index.search(np.ascontiguousarray(vectors, np.float32), k, params=parameters)
        items: IntArray = codes.astype(np.int32)
        return items

    def save(self, folder: Path) -> None:
        _library().write_index(self._index, str(folder / FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(_library().read_index(str(folder / FILE)))


def _library() -> Any:
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise MissingExtraError("faiss-cpu", "ann", "The faiss index") from error
    return faiss
