"""Similar items in several views (text, picture, co-occurrence), alone or as a weighted mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import DataError, did_you_mean
from foretaste.index.topk import top_k
from foretaste.types import NO_ITEM, Candidates, Queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foretaste.protocols import Scorer
    from foretaste.types import BoolArray, FloatArray, IntArray


class ItemSimilarity:
    """Weighted mean of item similarities over several views.

    s(i, j) = Σ_v w(v) · s_v(i, j) / Σ_v w(v), over the views that have both i and j
    """

    def __init__(
        self,
        vectors: Mapping[str, FloatArray],
        models: Mapping[str, Scorer] | None = None,
        n_items: int = 0,
        kind: int = 0,
    ) -> None:
        """vectors : name of a view ("text", "picture") to (n_items, D) rows of length 1, 0 where an item has none
        models  : name of a view ("behaviour") to a model, which scores a history of that item alone
        n_items : needed only where there are no vectors
        kind    : event kind in such a history
        """
        self._vectors = dict(vectors)
        self._models, self._kind = dict(models or {}), kind
        self._n = next((len(table) for table in self._vectors.values()), n_items)
        if any(len(table) != self._n for table in self._vectors.values()):
            raise DataError("The views have different numbers of items; each needs one row per item of the catalogue.")

    @property
    def names(self) -> tuple[str, ...]:
        """All views."""
        return (*self._vectors, *self._models)

    def similar(
        self, items: IntArray, k: int, weights: Mapping[str, float], *, allowed: BoolArray | None = None
    ) -> Candidates:
        """The k items most similar to each of `items` (B,), without itself; `found_by` has the score of each view.

        weights : ≥ 0 per view; DataError for an unknown view or if none is positive
        """
        used = {name: weight for name, weight in weights.items() if weight > 0}
        if unknown := set(used) - set(self.names):
            name = min(unknown)
            raise DataError(f"There is no view of items by '{name}'.{did_you_mean(name, self.names)}")
        if not used:
            raise DataError(f"No view has a weight; give one to some of: {', '.join(self.names)}.")
        view_scores = np.stack([self._view_scores(name, items) for name in used], axis=2)  # (B, n, V)
        weight = np.where(np.isnan(view_scores), 0, np.array(list(used.values()), np.float32))
        total = weight.sum(axis=2)
        combined = np.divide(
            (np.nan_to_num(view_scores) * weight).sum(axis=2), total, out=np.full_like(total, np.nan), where=total > 0
        )
        combined[np.arange(len(items)), items] = np.nan
        return _best(combined, view_scores, tuple(used), k, allowed)

    def similar_to(self, own: Mapping[str, FloatArray], k: int, *, allowed: BoolArray | None = None) -> Candidates:
        """The k items most similar to vectors that are not in the catalogue: an uploaded picture, a new item.

        own : (D,) of length 1 per view, all of equal weight
        """
        view_scores = np.stack([self._cosines(name, vector[None, :]) for name, vector in own.items()], axis=2)
        valid = ~np.isnan(view_scores)
        combined = np.divide(
            np.nan_to_num(view_scores).sum(axis=2),
            valid.sum(axis=2),
            out=np.full(view_scores.shape[:2], np.nan, np.float32),
            where=valid.any(axis=2),
        )
        return _best(combined, view_scores, tuple(own), k, allowed)

    def _view_scores(self, name: str, items: IntArray) -> FloatArray:
        """(B, n) similarities ≤ 1 in one view; nan where it lacks one of the two items."""
        if name in self._vectors:
            return self._cosines(name, self._vectors[name][items])
        everything = np.broadcast_to(np.arange(self._n, dtype=np.int32), (len(items), self._n))
        scores = (
            self._models[name].score(Queries.guests([[item] for item in items.tolist()], self._kind), everything).copy()
        )
        scores[np.arange(len(items)), items] = np.nan
        best = np.nanmax(np.where(np.isnan(scores), -np.inf, scores), axis=1, keepdims=True, initial=-np.inf)
        # Model scores have no common scale: divide by the highest, which becomes 1.
        return np.divide(scores, best, out=np.full_like(scores, np.nan), where=np.isfinite(best) & (best > 0))

    def _cosines(self, name: str, vectors: FloatArray) -> FloatArray:
        """(B, n) cosines of vectors (B, D) with every item of a view; nan where one of the two is 0."""
        table = self._vectors[name]
        near: FloatArray = vectors @ table.T
        near[:, ~table.any(axis=1)] = np.nan
        near[~vectors.any(axis=1)] = np.nan
        return near


def _best(
    combined: FloatArray, view_scores: FloatArray, names: tuple[str, ...], k: int, allowed: BoolArray | None
) -> Candidates:
    """Top-k of similarities `combined` (B, n), with the score of each of V views.

    view_scores : (B, n, V)
    """
    if allowed is not None:
        combined[:, ~allowed] = np.nan
    items, scores = top_k(combined.astype(np.float32), k)
    parts = np.take_along_axis(view_scores, np.maximum(items, 0)[:, :, None], axis=1)
    parts[items == NO_ITEM] = np.nan
    return Candidates(items, scores, parts, np.zeros(parts.shape, np.int32), names)
