"""Recent popularity: events decay exponentially with age, as of the time of the query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import PositiveFloat
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.index.static_ranking import StaticRanking
from foretaste.index.topk import BLOCK_CELLS, recommend_in_blocks, score_in_blocks
from foretaste.models.recency import DAY_MICROSECONDS
from foretaste.models.saving import fitted, read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, LongArray, Queries, Ragged, Run

MAX_EVENTS_PER_BLOCK = 1 << 22
"""Events processed at once while scoring."""


class TrendingConfig(Config):
    """Settings of `trending`."""

    half_life_days: PositiveFloat = 30.0
    """Age at which an event counts half."""


class Trending:
    """score(i) = Σ w_e 2^(−(t − t_e) / half-life) over the events e of i with t_e ≤ asked_at; t is the latest t_e.

    No event later than the query is used, even if it is in the training data. Events without times all count equally:
    the model is then the same as `popular`, `timeless` is true, and the progress of `fit` says so.

    item   : (L,) int32, the items of all events, oldest first
    weight : (L,) float32, sign × weight of each event's kind
    time   : (L,) int64 µs
    """

    config_class = TrendingConfig
    grid = (TrendingConfig(), *(TrendingConfig(half_life_days=days) for days in (1.0, 7.0, 90.0, 365.0)))
    item: IntArray | None = None
    weight: FloatArray
    time: LongArray
    n_items: int
    timeless: bool

    def __init__(self, config: TrendingConfig | None = None) -> None:
        self.config = config or TrendingConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        weight = train.kinds.weights[train.kind]
        if train.time is None:
            run.progress("trending: these events have no times, so all count alike, as in popular", 1, 1)
            self._remember(train.item, weight, np.zeros(len(train), np.int64), train.n_items, timeless=True)
        else:
            order = np.lexsort((train.item, train.time))
            self._remember(train.item[order], weight[order], train.time[order], train.n_items, timeless=False)
        return self

    def _remember(self, item: IntArray, weight: FloatArray, time: LongArray, n_items: int, *, timeless: bool) -> None:
        """Keep the events and the scores at checkpoints: a query starts from the last checkpoint before it."""
        self.item, self.weight, self.time, self.n_items, self.timeless = item, weight, time, n_items, timeless
        n_checkpoints = min(max(1, BLOCK_CELLS // max(1, n_items)), 1 + len(item) // max(1, n_items))
        self._checkpoint = np.linspace(0, len(item), n_checkpoints + 1).astype(np.int64)  # number of events before it
        self._checkpoint_scores = np.zeros((n_checkpoints + 1, n_items), np.float32)
        for c in range(n_checkpoints):
            first, last = self._checkpoint[c], self._checkpoint[c + 1]
            if last > first:
                decayed = weight[first:last] * self._decay(time[first:last], time[last - 1])
                new = np.bincount(item[first:last], decayed, n_items)
                before = self._decay(time[max(first - 1, 0)], time[last - 1])
                self._checkpoint_scores[c + 1] = self._checkpoint_scores[c] * before + new
        # For every query after the last event: further decay does not change the order.
        self._now = StaticRanking(self._checkpoint_scores[-1])
        self._last = int(time[-1]) if len(time) else 0

    def _decay(self, then: NDArray[np.int64], now: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.exp2((then - now) / (self.config.half_life_days * DAY_MICROSECONDS))

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        fitted(self.item, self)
        if queries.asked_at is None or self.timeless or int(queries.asked_at.min(initial=self._last)) >= self._last:
            return self._now.recommend(queries, k, "trending", exclude=exclude, allowed=allowed)
        return recommend_in_blocks(
            self._score_all, queries, k, self.n_items, "trending", exclude=exclude, allowed=allowed
        )

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        fitted(self.item, self)
        return score_in_blocks(self._score_all, queries, items, self.n_items)

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); queries of the same time are scored once."""
        if queries.asked_at is None or self.timeless:
            return np.tile(self._at(np.array([len(self.time)])), (len(queries), 1))
        known = np.searchsorted(self.time, queries.asked_at, side="right")
        moments, which = np.unique(known, return_inverse=True)
        return self._at(moments)[which]

    def _at(self, known: LongArray) -> FloatArray:
        """(M, n_items): the scores from the first known[m] events, as of the last of these; known is (M,)."""
        item = fitted(self.item, self)
        checkpoint = np.searchsorted(self._checkpoint, known, side="right") - 1
        now = self.time[np.maximum(known - 1, 0)] if len(item) else np.zeros(len(known), np.int64)
        then = self.time[np.maximum(self._checkpoint[checkpoint] - 1, 0)] if len(item) else now
        scores = self._checkpoint_scores[checkpoint] * self._decay(then, now)[:, None].astype(np.float32)
        since = known - self._checkpoint[checkpoint]
        m, ends = 0, np.cumsum(since)
        while m < len(known):  # events since the checkpoint, a bounded number at once
            until = max(m + 1, int(np.searchsorted(ends, ends[m] - since[m] + MAX_EVENTS_PER_BLOCK)))
            offsets = np.concatenate([[0], np.cumsum(since[m:until])])
            first = self._checkpoint[checkpoint[m:until]]
            event = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], since[m:until])
            decayed = self.weight[event] * self._decay(self.time[event], np.repeat(now[m:until], since[m:until]))
            new = csr_array((decayed.astype(np.float32), item[event], offsets), shape=(until - m, self.n_items))
            scores[m:until] += new.toarray()
            m = until
        return scores

    def save(self, folder: Path | str) -> None:
        item = fitted(self.item, self)
        about = np.array([self.n_items, self.timeless], np.int64)
        write_model(folder, self.config, {"item": item, "weight": self.weight, "time": self.time, "about": about})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, TrendingConfig)
        model = cls(config)
        n_items, timeless = arrays["about"].tolist()
        item, weight, time = arrays["item"], arrays["weight"], arrays["time"]
        model._remember(
            item.astype(np.int32), weight.astype(np.float32), time.astype(np.int64), n_items, timeless=bool(timeless)
        )
        return model
