"""Content-based recommendation by item vectors: items similar to those of the history. Needs no other users' events."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import PositiveFloat
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.errors import DataError
from foretaste.features.items import ItemFeatures, ItemFeaturesConfig
from foretaste.index.input_checks import check_queries
from foretaste.index.topk import recommend_in_blocks, score_in_blocks, set_nan
from foretaste.models.content.rows import Rows, any_in_row, new_and_changed
from foretaste.models.recency import DAY_MICROSECONDS, count_newer_events, recency_weights
from foretaste.models.saving import fitted, read_model, write_model
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import (
        BoolArray,
        Candidates,
        FloatArray,
        History,
        IntArray,
        LongArray,
        Queries,
        Ragged,
        Run,
    )

FEW = 1_000
"""Scores up to which items are scored one by one, and not as a part of the whole catalogue."""


class ContentConfig(Config):
    """Settings of `content`."""

    read: ItemFeaturesConfig = ItemFeaturesConfig()
    """Which features of the items are read (texts, columns, pictures, ready-made vectors), and their weights."""
    half_life_events: PositiveFloat = 2.0
    """An event of the history counts half as much after this many newer events."""


class Content:
    """score(i) = cosine of item i with the user profile, the weighted mean of the history's vectors (Rocchio 1971).

    The weight of an event is sign × weight of its kind, halved for every `half_life_events` newer events and for every
    half-life of its kind between event and query.

    rows            : (n_items, D) float32 rows of length 1; 0 for items without content
    without_content : (n_items,) where they are 0
    kind_weight     : (n_kinds,) float32 sign × weight of each event kind
    kind_days       : (n_kinds,) float32 half-lives in days, inf for kinds without decay
    """

    name: ClassVar[str] = "content"
    config_class: ClassVar[type[Any]] = ContentConfig
    grid: ClassVar[tuple[Any, ...]] = (
        ContentConfig(),
        *(ContentConfig(half_life_events=events) for events in (1.0, 5.0, 20.0, 100.0)),
    )
    rows: Rows | None = None
    without_content: BoolArray
    kind_weight: FloatArray
    kind_days: FloatArray

    def __init__(self, config: Any = None) -> None:
        self.config: Any = config or self.config_class()
        self.features = ItemFeatures(self.config.read)

    def fit(self, train: Dataset, run: Run) -> Self:
        self._take_kinds(train)
        return self._read(train, self.config.read, run)

    def with_items(self, items: ItemTable, run: Run, changed: IntArray | None = None) -> Self:
        """The model for a larger catalogue, without training: only the vectors of new and changed items are computed.

        items   : the catalogue of `fit` with further rows appended
        changed : codes of earlier items whose content has changed
        raises  : DataError where the catalogue has shrunk
        """
        known = fitted(self.rows, self)
        old, n = len(known), len(items)
        if n < old:
            raise DataError(f"The model knows {old} items and the new catalogue has {n}; it may only grow.")
        codes = new_and_changed(old, n, changed)
        other = copy(self)
        if len(codes):
            read = self.features.of_rows(items, codes, run)
            other.rows = known.grown(n, codes, read)
            other.without_content = np.concatenate([self.without_content, np.ones(n - old, np.bool_)])
            other.without_content[codes] = ~any_in_row(read)
        return other

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(fitted(self.rows, self))
        return recommend_in_blocks(self._score_all, queries, k, n, self.name, exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        n = len(fitted(self.rows, self))
        if len(queries) * items.shape[1] > FEW:
            return score_in_blocks(self._score_all, queries, items, n)
        check_queries(queries, n)
        codes = np.maximum(items, 0)
        scores = self._score_few(queries, codes)
        scores[(items == NO_ITEM) | self._unscored[codes]] = np.nan
        return scores

    def profile(self, queries: Queries) -> FloatArray:
        """(B, D) float32 user profiles, rows of length 1; 0 where the history has no vectors."""
        rows = fitted(self.rows, self)
        shape = (len(queries.history), len(rows))
        weight = self.event_weights(queries.history, queries.asked_at)
        profile = rows.weighted(csr_array((weight, queries.history.items, queries.history.offsets), shape=shape))
        length = np.linalg.norm(profile, axis=1, keepdims=True)
        return np.divide(profile, length, out=np.zeros_like(profile), where=length > 0)

    def event_weights(self, history: History, asked_at: LongArray | None = None) -> FloatArray:
        """(L,) float32 weight of each event: sign × weight of its kind, times recency and time decay.

        asked_at : (B,) int64 µs, the times of the queries; None uses the time of each history's newest event
        """
        weight = self.kind_weight[history.kind]
        weight = weight * np.exp2(-count_newer_events(history, weight != 0) / self.config.half_life_events)
        if history.time is not None and np.isfinite(self.kind_days).any():
            if asked_at is None:
                last = (
                    history.time[np.maximum(history.offsets[1:] - 1, 0)] if len(history.items) else history.offsets[1:]
                )
            else:
                last = asked_at
            age_days = np.maximum(np.repeat(last, history.lengths) - history.time, 0) / DAY_MICROSECONDS
            weight = weight * np.exp2(-age_days / self.kind_days[history.kind])
        return weight.astype(np.float32)

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 cosine of item and event times recency: contributions, up to the length of the profile."""
        rows = fitted(self.rows, self)
        return rows.take(items) @ rows.take(history).T * recency_weights(len(history), self.config.half_life_events)

    def save(self, folder: Path | str) -> None:
        vectors = fitted(self.rows, self).whole()
        arrays = {"vectors": vectors, "kind_weight": self.kind_weight, "kind_days": self.kind_days}
        write_model(folder, self.config, arrays)
        self.features.save(folder)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, cls.config_class)
        model = cls(config)
        model.features = ItemFeatures.load(folder, config.read)
        model._keep(arrays["vectors"].astype(np.float32, copy=False))
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        model.kind_days = arrays["kind_days"].astype(np.float32, copy=False)
        return model

    def _take_kinds(self, train: Dataset) -> None:
        self.kind_weight = train.kinds.weights
        self.kind_days = np.array([kind.half_life_days or np.inf for kind in train.kinds.kinds], np.float32)

    def _read(self, train: Dataset, read: ItemFeaturesConfig, run: Run) -> Self:
        seen = np.bincount(train.item, minlength=train.n_items) > 0
        self.features = ItemFeatures(read).fit(train.items, seen)
        self._keep(self.features.vectors(train.items, run))
        if self.without_content.all():
            raise DataError(
                f"The model '{self.name}' reads the content of items, and this catalogue has none; leave it out."
            )
        return self

    def _keep(self, vectors: FloatArray) -> None:
        self.rows = Rows(vectors)
        self.without_content = ~any_in_row(vectors)

    @property
    def vectors(self) -> FloatArray | None:
        """(n_items, D) the rows in one array, which is a copy where the catalogue has grown; None before `fit`."""
        return None if self.rows is None else self.rows.whole()

    @property
    def _unscored(self) -> BoolArray:
        """(n_items,) items that no score can be given to."""
        return self.without_content

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items without content and for queries without a profile."""
        profile = self.profile(queries)
        scores = fitted(self.rows, self).products(profile)
        set_nan(scores, self.without_content)
        scores[~profile.any(axis=1)] = np.nan
        return scores

    def _score_few(self, queries: Queries, items: IntArray) -> FloatArray:
        """(B, K) the same for some items of each query (B, K), whatever is known of them; for a few, the faster way."""
        profile = self.profile(queries)
        scores = np.einsum("bkd,bd->bk", fitted(self.rows, self).take(items), profile)
        scores[~profile.any(axis=1)] = np.nan
        return scores
