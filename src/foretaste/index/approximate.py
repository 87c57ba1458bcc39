"""Approximate nearest neighbour search with a measured recall: an ANN engine proposes, exact scores re-rank.

The engine proposes more items than are needed; their inner products are then computed from the float32 vectors, so
that scores, order and ties are those of the exact index. At build time the engine's effort is raised until recall
against the exact top-k reaches `least_recall`; an engine that cannot reach it is refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, Protocol, Self

import numpy as np
from pydantic import Field, PositiveInt

from foretaste.config import Config
from foretaste.errors import BundleError, ConfigError
from foretaste.index.exact import ExactIndex, padded_mask
from foretaste.types import NO_ITEM, BoolArray, FloatArray, IntArray, Ragged

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class ApproximateConfig(Config):
    """How the approximate index is built and when it is used."""

    engine: Literal["faiss", "usearch"] = "faiss"
    """faiss: inverted lists of 8-bit vectors, quick to build. usearch: a graph (HNSW) of 16-bit ones."""
    least_recall: float = Field(0.97, gt=0, le=1)
    """Recall of the exact top `measured_at` that must be reached; below it the index is refused."""
    measured_at: PositiveInt = 100
    questions: PositiveInt = 200
    """Queries that recall is measured with: means of three item vectors, unless real queries are passed."""
    fetched: float = Field(2.0, ge=1)
    """Items fetched from the engine per item of the list (oversampling); exact scores then choose among them."""
    exact_below: PositiveInt = 20_000
    """With fewer allowed items than this, exact search is used."""


class AnnEngine(Protocol):
    """What a library (faiss, usearch) contributes: proposals of items, without exact scores."""

    efforts: tuple[int, ...]
    """Values of `effort`, from the fastest to the one of highest recall."""
    effort: int

    def add(self, items: IntArray, vectors: FloatArray) -> None: ...

    def remove(self, items: IntArray) -> None: ...

    def propose(self, vectors: FloatArray, k: int) -> IntArray:
        """(B, k) item codes in any order, NO_ITEM where fewer were found."""
        ...

    def save(self, folder: Path) -> None: ...


class ApproximateIndex:
    """A `VectorIndex` over an ANN engine with exact re-ranking.

    recall : share of the exact top `measured_at` that was found when the index was built
    """

    def __init__(self, config: ApproximateConfig, exact: ExactIndex, engine: AnnEngine, recall: float) -> None:
        self.config = config
        self.recall = recall
        self._exact = exact
        self._engine = engine

    @classmethod
    def build(
        cls, vectors: FloatArray, config: ApproximateConfig | None = None, queries: FloatArray | None = None
    ) -> Self:
        """Build an index of the required recall; ConfigError, with the recall reached, where no effort suffices.

        vectors : (n, D), row = item code; all 0 where an item has none
        queries : (Q, D) real query vectors to measure with, such as user vectors
        """
        config = config or ApproximateConfig()
        exact = ExactIndex(vectors)
        present = np.flatnonzero(exact.present).astype(np.int32)
        engine = _engine_class(config.engine).build(present, exact.vectors[present])
        index = cls(config, exact, engine, 0.0)
        sample = index._sample_queries() if queries is None else queries
        for effort in engine.efforts:
            engine.effort = effort
            each = index._recalls(sample)
            index.recall = float(each.mean())
            # A margin of two standard errors: recall on other queries should not fall below the target either.
            spare = 2 * float(each.std()) / np.sqrt(len(each))
            if index.recall - (spare if effort != engine.efforts[-1] else 0) >= config.least_recall:
                return index
        raise ConfigError(
            f"The {config.engine} index finds {index.recall:.1%} of the true top {config.measured_at} at its best, and "
            f"least_recall asks for {config.least_recall:.1%}; use the exact index for these {len(present)} vectors, "
            f"another engine, or a lower least_recall."
        )

    def __len__(self) -> int:
        return len(self._exact)

    @property
    def vectors(self) -> FloatArray:
        return self._exact.vectors

    def measured_recall(self, queries: FloatArray) -> float:
        """Recall of the exact top `measured_at` over queries (Q, D), now; ties with the last place count as found."""
        return float(self._recalls(queries).mean())

    def _recalls(self, queries: FloatArray) -> NDArray[np.float64]:
        """(Q,) recall per query."""
        k = min(self.config.measured_at, len(self))
        if k == 0 or not len(queries):
            return np.ones(1)
        _, best = self._exact.search(queries, k)
        _, scores = self._proposed(queries, k, None, None)
        # Compared by score and not by code: of items with equal scores any may be in the list.
        threshold = best[:, -1:] - 1e-6 * np.abs(best[:, -1:])
        recalls: NDArray[np.float64] = (scores >= threshold).sum(axis=1) / k
        return recalls

    def search(
        self, vectors: FloatArray, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> tuple[IntArray, FloatArray]:
        present = self._exact.present
        findable = len(self)
        if allowed is not None:
            allowed = padded_mask(allowed, len(present))
            findable = int((allowed & present).sum())
        if findable <= max(self.config.exact_below, 4 * k) or 10 * findable < len(self):
            return self._exact.search(vectors, k, exclude=exclude, allowed=allowed)
        # Oversample by what the filters are expected to remove.
        excluded = 0 if exclude is None else int(exclude.lengths.max(initial=0))
        depth = min(len(self), int((k + excluded) * len(self) / findable) + 1)
        items, scores = self._proposed(vectors, depth, exclude, allowed)
        items, scores = items[:, :k], scores[:, :k]
        short = np.flatnonzero(items[:, -1] == NO_ITEM) if k else np.empty(0, np.int64)
        if len(short):  # the filters removed more than that: fall back to exact search
            rest = None if exclude is None else exclude.take(short)
            items[short], scores[short] = self._exact.search(vectors[short], k, exclude=rest, allowed=allowed)
        return items, scores

    def put(self, items: IntArray, vectors: FloatArray) -> None:
        self._remove(items)
        self._exact.put(items, vectors)
        nonzero = vectors.any(axis=1)
        # Where an item occurs twice, its last vector counts.
        last = len(items) - 1 - np.unique(items[::-1], return_index=True)[1]
        keep = np.intersect1d(last, np.flatnonzero(nonzero))
        if len(keep):
            self._engine.add(items[keep], np.ascontiguousarray(vectors[keep], np.float32))

    def delete(self, items: IntArray) -> None:
        self._remove(items)
        self._exact.delete(items)

    def _remove(self, items: IntArray) -> None:
        """Removing may scan the whole engine, so only items it holds are passed on."""
        valid = items[(items >= 0) & (items < len(self._exact.present))]
        if len(held := valid[self._exact.present[valid]]):
            self._engine.remove(held)

    def save(self, folder: Path) -> None:
        self._exact.save(folder)
        self._engine.save(folder)
        described = {"config": self.config.model_dump(), "effort": self._engine.effort, "recall": self.recall}
        (folder / "index.json").write_text(json.dumps(described, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        exact = ExactIndex.load(folder)
        try:
            described = json.loads((folder / "index.json").read_text(encoding="utf-8"))
            config = ApproximateConfig.parse(described["config"], str(folder / "index.json"))
            engine = _engine_class(config.engine).load(folder)
        except (OSError, ValueError, RuntimeError) as error:
            raise BundleError(f"The index in {folder} cannot be read ({error}); build it again.") from error
        engine.effort = described["effort"]
        return cls(config, exact, engine, described["recall"])

    def _proposed(
        self, vectors: FloatArray, k: int, exclude: Ragged | None, allowed: BoolArray | None
    ) -> tuple[IntArray, FloatArray]:
        """Items (B, k) and exact scores (B, k) of the engine's proposals that pass the filters."""
        proposals = self._engine.propose(vectors, min(len(self), int(k * self.config.fetched) + 1))
        proposals = np.sort(proposals, axis=1)  # by code, then a stable sort by score: ties to the smaller code
        scores = np.empty(proposals.shape, np.float32)
        for b, row in enumerate(proposals):
            scores[b] = self._exact.vectors[row] @ vectors[b]
        removed = (proposals == NO_ITEM) | ~self._exact.present[proposals]
        if allowed is not None:
            removed |= ~allowed[proposals]
        if exclude is not None:
            for b in range(len(proposals)):
                removed[b] |= np.isin(proposals[b], exclude.row(b))
        scores[removed] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        items = np.full((len(vectors), k), NO_ITEM, np.int32)
        values = np.full((len(vectors), k), np.nan, np.float32)
        best = np.take_along_axis(scores, order, axis=1)
        valid = np.isfinite(best)
        width = order.shape[1]
        items[:, :width] = np.where(valid, np.take_along_axis(proposals, order, axis=1), NO_ITEM)
        values[:, :width] = np.where(valid, best, np.nan)
        return items, values

    def _sample_queries(self) -> FloatArray:
        """(Q, D) means of three random item vectors: like a user who consumed them, and harder than an item itself."""
        rng = np.random.default_rng(0)
        present = np.flatnonzero(self._exact.present)
        if not len(present):
            return np.empty((0, self.vectors.shape[1]), np.float32)
        taken = rng.choice(present, (self.config.questions, 3))
        means: FloatArray = self.vectors[taken].mean(axis=1)
        return means


def _engine_class(name: str):  # type: ignore[no-untyped-def]  # a class of one of two libraries, imported when used
    if name == "faiss":
        from foretaste.index.faiss import FaissEngine

        return FaissEngine
    from foretaste.index.usearch import UsearchEngine

    return UsearchEngine
