"""One linear model for each person over what items are: for people of whom little is known. Nobody else is needed."""

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
    half_life_events: PositiveFloat = 10.0
    """After how many newer events an event counts half as much."""
    shrinkage: Annotated[float, Field(gt=0, le=1)] = 0.3
    """How little the spread of the catalogue counts: 1 takes all directions for alike, as a plain cosine does; the
    less, the more a direction counts in which items seldom differ."""
    noise: PositiveFloat = 1.0
    """How much chance there is in a single event."""
    max_length: PositiveInt = 50
    """The newest events that are learned from."""


class ProfileClassifier(Content):
    """score(i) = w·x(i), the w of each person found at the question, in closed form.

    w = argmin Σ_j c_j (y_j − w·x_j)² + σ wᵀ A w,   A = (1 − ρ) D Σ + ρ I,   x = v − mean

    over the events j of the person, y 1 or −1 as they wanted it or not, c as loud as the event: a discriminant whose
    classes share the spread Σ of the catalogue, shrunk (Friedman 1989), with ridge. As few events span little, it is
    solved among them: w = A⁻¹ Xᵀ β with (X A⁻¹ Xᵀ + σ diag(1/c)) β = y.

    spread : (D, D) float32, A⁻¹
    mean   : (D,) of the items of which anything is known
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
    spread: FloatArray
    mean: FloatArray

    def _keep(self, vectors: FloatArray) -> None:
        super()._keep(vectors)
        known = vectors[~self.unread]
        D = vectors.shape[1]
        self.mean = known.mean(axis=0, dtype=np.float64).astype(np.float32) if len(known) else np.zeros(D, np.float32)
        apart = known.T.astype(np.float64) @ known / max(1, len(known)) - np.outer(self.mean, self.mean)
        share = apart / max(np.trace(apart), 1e-12) * D  # as large as I
        rho = self.config.shrinkage
        self.spread = np.linalg.inv((1 - rho) * share + rho * np.eye(D)).astype(np.float32)

    def taste(self, queries: Queries) -> FloatArray:
        """(B, D) the weights of each person; 0 where nothing is known."""
        found = np.zeros((len(queries), len(self.mean)), np.float32)
        for people, items, weight in self._alike(queries):
            x = self._about(items)
            found[people] = np.einsum("bh,bhd->bd", self._solved(x, weight), x) @ self.spread
        return found

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) what each event adds to the score of each item, the newer the louder; they add up to it."""
        read = np.flatnonzero(~self.unread[history])[-self.config.max_length :]
        parts = np.zeros((len(items), len(history)), np.float32)
        if len(read):
            x = self._about(history[read])
            age = len(history) - 1 - read
            weight = np.exp2(-age / self.config.half_life_events).astype(np.float32)
            beta = self._solved(x[None], weight[None])[0]
            parts[:, read] = (self._about(items) @ self.spread @ x.T) * beta
        return parts

    def _about(self, items: IntArray) -> FloatArray:
        """(…, D) what items are, beside what they all are."""
        return fitted(self.rows, self).take(items) - self.mean

    def _solved(self, x: FloatArray, weight: FloatArray) -> FloatArray:
        """(b, H) β of b people with H events each: x (b, H, D), weight (b, H), negative where they did not want it."""
        gram = (x @ self.spread) @ x.transpose(0, 2, 1)
        gram = gram + (self.config.noise / np.maximum(np.abs(weight), 1e-6))[:, :, None] * np.eye(x.shape[1])
        beta: FloatArray = np.linalg.solve(gram, np.sign(weight)[:, :, None])[:, :, 0]
        return beta.astype(np.float32)

    def _alike(self, queries: Queries) -> Iterator[tuple[LongArray, IntArray, FloatArray]]:
        """People with equally many usable events together: (b,) rows, (b, H) items, (b, H) weights."""
        history = queries.history
        weight = self.event_weights(history, queries.asked_at)
        usable = ~self.unread[history.items] & (weight != 0)
        weight, history = weight[usable], history.where(usable)
        newest = np.repeat(history.offsets[1:], history.lengths) - 1 - np.arange(len(history.items))
        recent = newest < self.config.max_length
        weight, history = weight[recent], history.where(recent)
        lengths = history.lengths
        for length in np.unique(lengths[lengths > 0]):
            people = np.flatnonzero(lengths == length)
            at = history.offsets[people][:, None] + np.arange(length)
            yield people, history.items[at], weight[at]

    def _score_all(self, queries: Queries) -> FloatArray:
        taste = self.taste(queries)
        scores = fitted(self.rows, self).products(taste) - (taste @ self.mean)[:, None]
        scores[:, self.unread] = np.nan
        scores[~taste.any(axis=1)] = np.nan
        return scores

    def _score_few(self, queries: Queries, items: IntArray) -> FloatArray:
        taste = self.taste(queries)
        scores: FloatArray = np.einsum("bkd,bd->bk", self._about(items), taste)
        scores[~taste.any(axis=1)] = np.nan
        return scores
