"""One linear classifier per user over item vectors, for users with few events. Needs no other users' events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from foretaste.models.content.content import Content, ContentConfig
from foretaste.models.saving import fitted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.types import FloatArray, IntArray, LongArray, Queries


class ProfileClassifierConfig(ContentConfig):
    """Settings of `profile_classifier`."""

    half_life_events: PositiveFloat = 10.0
    """An event counts half as much after this many newer events."""
    shrinkage: Annotated[float, Field(gt=0, le=1)] = 0.3
    """ρ: shrinkage of the covariance of the item vectors. 1 weights all directions equally, as a cosine does; smaller
    gives more weight to directions of low variance."""
    noise: PositiveFloat = 1.0
    """σ: noise variance of a single event."""
    max_length: PositiveInt = 50
    """How many of the newest events of a history are used."""


class ProfileClassifier(Content):
    """score(i) = w·x(i), with w of each user computed at query time in closed form.

    w = argmin Σ_j c_j (y_j − w·x_j)² + σ wᵀ A w,   A = (1 − ρ) D Σ / tr Σ + ρ I,   x = v − mean

    over the user's events j, with y = 1 for positive and −1 for negative events and c the weight of the event: a
    regularised discriminant whose classes share the shrunk covariance Σ of the catalogue (Friedman 1989). It is solved
    in the dual, as events are few: w = A⁻¹ Xᵀ β with (X A⁻¹ Xᵀ + σ diag(1/c)) β = y.

    precision : (D, D) float32, A⁻¹
    mean      : (D,) float32, of the items with content
    """

    name: ClassVar[str] = "profile_classifier"
    config_class: ClassVar[type[Any]] = ProfileClassifierConfig
    grid: ClassVar[tuple[Any, ...]] = (
        ProfileClassifierConfig(),
        ProfileClassifierConfig(half_life_events=2.0),
        ProfileClassifierConfig(shrinkage=0.1),
        ProfileClassifierConfig(half_life_events=2.0, shrinkage=0.1),
        ProfileClassifierConfig(half_life_events=100.0, noise=0.3),
    )
    precision: FloatArray
    mean: FloatArray

    def _keep(self, vectors: FloatArray) -> None:
        super()._keep(vectors)
        known = vectors[~self.without_content]
        D = vectors.shape[1]
        self.mean = known.mean(axis=0, dtype=np.float64).astype(np.float32) if len(known) else np.zeros(D, np.float32)
        covariance = known.T.astype(np.float64) @ known / max(1, len(known)) - np.outer(self.mean, self.mean)
        scaled = covariance / max(np.trace(covariance), 1e-12) * D  # its trace is that of I
        rho = self.config.shrinkage
        self.precision = np.linalg.inv((1 - rho) * scaled + rho * np.eye(D)).astype(np.float32)

    def profile(self, queries: Queries) -> FloatArray:
        """(B, D) float32 w of each user; 0 without usable events."""
        w = np.zeros((len(queries), len(self.mean)), np.float32)
        for rows, items, weight in self._by_length(queries):
            x = self._centred(items)
            w[rows] = np.einsum("bh,bhd->bd", self._dual(x, weight), x) @ self.precision
        return w

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event of the history to each item's score; a row sums to the score."""
        read = np.flatnonzero(~self.without_content[history])[-self.config.max_length :]
        parts = np.zeros((len(items), len(history)), np.float32)
        if len(read):
            x = self._centred(history[read])
            age = len(history) - 1 - read
            weight = np.exp2(-age / self.config.half_life_events).astype(np.float32)
            beta = self._dual(x[None], weight[None])[0]
            parts[:, read] = (self._centred(items) @ self.precision @ x.T) * beta
        return parts

    def _centred(self, items: IntArray) -> FloatArray:
        """(…, D) item vectors minus their mean."""
        return fitted(self.rows, self).take(items) - self.mean

    def _dual(self, x: FloatArray, weight: FloatArray) -> FloatArray:
        """(b, H) β of b users with H events each, for x (b, H, D) and event weights (b, H), negative for dislikes."""
        gram = (x @ self.precision) @ x.transpose(0, 2, 1)
        gram = gram + (self.config.noise / np.maximum(np.abs(weight), 1e-6))[:, :, None] * np.eye(x.shape[1])
        beta: FloatArray = np.linalg.solve(gram, np.sign(weight)[:, :, None])[:, :, 0]
        return beta.astype(np.float32)

    def _by_length(self, queries: Queries) -> Iterator[tuple[LongArray, IntArray, FloatArray]]:
        """Users grouped by their number H of usable events: (b,) rows, (b, H) items, (b, H) weights."""
        history = queries.history
        weight = self.event_weights(history, queries.asked_at)
        usable = ~self.without_content[history.items] & (weight != 0)
        weight, history = weight[usable], history.where(usable)
        newest = np.repeat(history.offsets[1:], history.lengths) - 1 - np.arange(len(history.items))
        recent = newest < self.config.max_length
        weight, history = weight[recent], history.where(recent)
        lengths = history.lengths
        for length in np.unique(lengths[lengths > 0]):
            rows = np.flatnonzero(lengths == length)
            at = history.offsets[rows][:, None] + np.arange(length)
            yield rows, history.items[at], weight[at]

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items without content and for queries without usable events."""
        w = self.profile(queries)
        scores = fitted(self.rows, self).products(w) - (w @ self.mean)[:, None]
        scores[:, self.without_content] = np.nan
        scores[~w.any(axis=1)] = np.nan
        return scores

    def _score_few(self, queries: Queries, items: IntArray) -> FloatArray:
        w = self.profile(queries)
        scores: FloatArray = np.einsum("bkd,bd->bk", self._centred(items), w)
        scores[~w.any(axis=1)] = np.nan
        return scores
