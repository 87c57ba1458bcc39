"""Items like an item: by what is written, by how it looks, by who takes it, or by all of that together."""

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


class Views:
    """Several ways to see the same items, each a part of one score.

    likeness(i, j) = Σ_v w(v) · likeness_v(i, j) / Σ_v w(v), over the views that know both i and j
    """

    def __init__(
        self,
        vectors: Mapping[str, FloatArray],
        models: Mapping[str, Scorer] | None = None,
        n_items: int = 0,
        kind: int = 0,
    ) -> None:
        """vectors : name of a view ("text", "picture") to (n_items, D) rows of length 1, 0 where it does not know
        models  : name of a view ("behaviour") to a model: what goes with a history of that item alone
        n_items : needed where there are only models
        kind    : of the event that such a history holds
        """
        self._vectors = dict(vectors)
        self._models, self._kind = dict(models or {}), kind
        self._n = next((len(table) for table in self._vectors.values()), n_items)
        if any(len(table) != self._n for table in self._vectors.values()):
            raise DataError("The views have different numbers of items; each needs one row per item of the catalogue.")

    @property
    def names(self) -> tuple[str, ...]:
        return (*self._vectors, *self._models)

    def similar(
        self, items: IntArray, k: int, weights: Mapping[str, float], *, allowed: BoolArray | None = None
    ) -> Candidates:
        """(B,) items in, the k most like each of them out, never itself; `found_by` says what each view thinks.

        weights : of the views that count; one alone gives that view
        """
        used = {name: weight for name, weight in weights.items() if weight > 0}
        if unknown := set(used) - set(self.names):
            name = min(unknown)
            raise DataError(f"Nothing is known of items by '{name}'.{did_you_mean(name, self.names)}")
        if not used:
            raise DataError(f"No view has a weight; give one to some of: {', '.join(self.names)}.")
        seen = np.stack([self._likeness(name, items) for name in used], axis=2)  # (B, n, V)
        weight = np.where(np.isnan(seen), 0, np.array(list(used.values()), np.float32))
        total = weight.sum(axis=2)
        whole = np.divide(
            (np.nan_to_num(seen) * weight).sum(axis=2), total, out=np.full_like(total, np.nan), where=total > 0
        )
        whole[np.arange(len(items)), items] = np.nan
        return _best(whole, seen, tuple(used), k, allowed)

    def like(self, own: Mapping[str, FloatArray], k: int, *, allowed: BoolArray | None = None) -> Candidates:
        """What is most like something that is not in the catalogue: a picture somebody sent, an item of a minute ago.

        own : (D,) of length 1 by view; each counts alike
        """
        seen = np.stack([self._near(name, vector[None, :]) for name, vector in own.items()], axis=2)
        there = ~np.isnan(seen)
        whole = np.divide(
            np.nan_to_num(seen).sum(axis=2),
            there.sum(axis=2),
            out=np.full(seen.shape[:2], np.nan, np.float32),
            where=there.any(axis=2),
        )
        return _best(whole, seen, tuple(own), k, allowed)

    def _likeness(self, name: str, items: IntArray) -> FloatArray:
        """(B, n) at most 1; nan where the view does not know one of the two."""
        if name in self._vectors:
            return self._near(name, self._vectors[name][items])
        everything = np.broadcast_to(np.arange(self._n, dtype=np.int32), (len(items), self._n))
        scores = (
            self._models[name].score(Queries.guests([[item] for item in items.tolist()], self._kind), everything).copy()
        )
        scores[np.arange(len(items)), items] = np.nan
        best = np.nanmax(np.where(np.isnan(scores), -np.inf, scores), axis=1, keepdims=True, initial=-np.inf)
        # A model's scores have no scale of their own: the item that goes best with it is 1.
        return np.divide(scores, best, out=np.full_like(scores, np.nan), where=np.isfinite(best) & (best > 0))

    def _near(self, name: str, vectors: FloatArray) -> FloatArray:
        """(B, n) cosines of (B, D) vectors with every item of a view; nan where one of the two is 0."""
        table = self._vectors[name]
        near: FloatArray = vectors @ table.T
        near[:, ~table.any(axis=1)] = np.nan
        near[~vectors.any(axis=1)] = np.nan
        return near


def _best(whole: FloatArray, seen: FloatArray, names: tuple[str, ...], k: int, allowed: BoolArray | None) -> Candidates:
    """The k best of (B, n) likenesses, with what each of V views says of them.

    seen : (B, n, V)
    """
    if allowed is not None:
        whole[:, ~allowed] = np.nan
    found, scores = top_k(whole.astype(np.float32), k)
    parts = np.take_along_axis(seen, np.maximum(found, 0)[:, :, None], axis=1)
    parts[found == NO_ITEM] = np.nan
    return Candidates(found, scores, parts, np.zeros(parts.shape, np.int32), names)
