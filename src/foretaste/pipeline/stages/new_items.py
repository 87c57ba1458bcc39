"""Places for new items: what came after the training gets the last places of every so many, and the empty ones."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.models.content.terms import TERMS, CatalogueTerms, columns_of
from foretaste.models.saving import fitted, read_model, write_model
from foretaste.pipeline.stages.fatigue import DAY
from foretaste.registry import NEW
from foretaste.types import NO_ITEM, Candidates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scipy.sparse import csr_array

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import BoolArray, FloatArray, IntArray, Queries, Run, StageContext

READ_IN_TRAINING = 200_000
"""Items of which the words are read in training; of more, a minute of work waits for the first new item."""


class NewItemsConfig(Config):
    share: NonNegativeFloat = Field(default=0.1, le=1)
    """Share of the places kept for new items; 0.1 is the last place of ten. What is empty they get in any case."""
    after: PositiveInt | None = 3
    """Shown so often without any reaction, a new item gets no place that is kept; None goes by no impressions."""
    half_life_days: PositiveFloat = 7.0
    """Age at which an impression counts half."""
    half_life_events: PositiveFloat = 10.0
    """Where words decide: after how many newer events an event speaks half as loudly."""
    latest: PositiveInt = 50
    """Where words decide: the events that are read of each user, the latest."""


class NewItems:
    """Of a list of n, round(share · n) places, spread evenly over its ends, go to the new items the user likes most.

    A new item is liked as a recall that has read it says (`ReadsNewItems`); until one has, by the cosine of its words
    with those of the history. Who did nothing yet gets the newest. An item in its place has the score of the one above.

    n_trained : items of the catalogue that was learned from; what has a code from there on is new
    """

    config_class = NewItemsConfig
    n_trained: int | None = None
    _read: Callable[[], CatalogueTerms] | None = None

    def __init__(self, config: Any = None) -> None:
        self.config: NewItemsConfig = config or NewItemsConfig()
        self._new: _New | None = None

    def fit(self, train: Dataset, run: Run) -> Self:
        self._take(train.items)
        if len(train.items) <= READ_IN_TRAINING:
            _ = self.terms
        return self

    @property
    def terms(self) -> CatalogueTerms:
        """Of the catalogue that was learned from; read when they are first needed, which may take seconds."""
        return fitted(self._read, self)()

    def for_items(self, items: ItemTable) -> Self:
        """The same for another catalogue, of which nothing is new."""
        other = copy(self)
        other._take(items)
        return other

    def with_items(self, items: ItemTable, run: Run, changed: IntArray | None = None) -> Self:
        """The same for a catalogue that has grown; nothing is learned. Old items keep the words they had."""
        other = copy(self)
        first = fitted(self.n_trained, self)
        other._new = _New(fitted(self._read, self), first, items) if len(items) > first else None
        return other

    def with_config(self, config: NewItemsConfig) -> Self:
        """The same by other settings; none of them has to be learned again."""
        other = copy(self)
        other.config = config
        return other

    def extra(self, queries: Queries, n: int) -> int:
        return 0

    def __call__(self, queries: Queries, candidates: Candidates, context: StageContext) -> Candidates:
        new, n = self._new, context.n
        if new is None:
            return candidates
        codes = new.codes if context.allowed is None else new.codes[context.allowed[new.codes]]
        kept = candidates.head(n)
        count = (kept.items != NO_ITEM).sum(axis=1)
        empty = n - count
        places = max(0, round(self.config.share * n + 0.001))
        if not len(codes) or (not places and not empty.any()):
            return candidates
        liked = self._likeness(new, queries, codes, context)
        self._tire(new, queries, codes, context, liked)
        out = self._out(new, queries, codes, context)
        stranger = queries.history.lengths == 0
        order = np.argsort(-liked, axis=1, kind="stable")  # `codes` begins with the newest
        chosen = []
        for b in range(len(queries)):
            mine = np.arange(len(codes)) if stranger[b] else order[b]
            mine = mine[~out[b, mine]]
            likes = mine if stranger[b] else mine[liked[b, mine] > 0]
            likes = likes[: max(places, int(empty[b]))]
            others = [] if stranger[b] else mine[liked[b, mine] <= 0][: max(0, int(empty[b]) - len(likes))]
            chosen.append(np.concatenate([likes, others]).astype(np.intp))
        return _placed(kept, chosen, codes, liked, count, n) if any(map(len, chosen)) else candidates

    def _take(self, items: ItemTable) -> None:
        self._read = cache(partial(CatalogueTerms.of, items))
        self.n_trained, self._new = len(items), None

    def _likeness(self, new: _New, queries: Queries, codes: IntArray, context: StageContext) -> FloatArray:
        """(B, m) how much each new item is liked; 0 where nothing is known."""
        liked = np.full((len(queries), len(codes)), np.nan, np.float32)
        if context.score_new is not None:
            liked = context.score_new(queries, np.tile(codes, (len(queries), 1)))
        unread = np.isnan(liked)
        history = queries.history
        for b in np.flatnonzero(unread.any(axis=1)).tolist():
            events = np.arange(history.offsets[b], history.offsets[b + 1])[-self.config.latest :]
            if not len(events):
                liked[b, unread[b]] = 0
                continue
            weight = np.ones(len(events), np.float32)
            if context.kind_weight is not None:
                weight = np.maximum(context.kind_weight[history.kind[events]], 0)
            age = np.arange(len(events) - 1, -1, -1)
            weight = (weight * np.exp2(-age / self.config.half_life_events)).astype(np.float32)
            by_words = self.terms.likeness(new.rows, history.items[events], weight)
            liked[b, unread[b]] = by_words[codes[unread[b]] - new.first]
        return liked

    def _tire(self, new: _New, queries: Queries, codes: IntArray, context: StageContext, liked: FloatArray) -> None:
        """Sets to 0 in place what a user was shown often and ignored."""
        shown = queries.shown
        if self.config.after is None or shown is None or not (shown.items >= new.first).any():
            return
        times = np.zeros((len(queries), new.count))
        row = shown.row_of_event()
        is_new = shown.items >= new.first
        age_days = np.zeros(len(row))
        if shown.time is not None and context.now is not None:
            age_days = np.maximum(context.now[row] - shown.time, 0) / DAY
        counts = np.power(0.5, age_days / self.config.half_life_days)
        np.add.at(times, (row[is_new], shown.items[is_new] - new.first), counts[is_new])
        liked[times[:, codes - new.first] >= self.config.after] = 0

    def _out(self, new: _New, queries: Queries, codes: IntArray, context: StageContext) -> BoolArray:
        """(B, m) what is excluded, and what a user did something with since it was last shown: it is no news."""
        out = np.zeros((len(queries), new.count), np.bool_)
        for rows, is_out in ((queries.history, True), (queries.shown, False), (context.exclude, True)):
            if rows is not None and len(rows.items) and (later := rows.items >= new.first).any():
                out[rows.row_of_event()[later], rows.items[later] - new.first] = is_out
        return out[:, codes - new.first]

    def save(self, folder: Path | str) -> None:
        n = fitted(self.n_trained, self)
        if n <= READ_IN_TRAINING:
            self.terms.save(folder, self.config)
        else:
            write_model(folder, self.config, {})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """As it was saved; where the words were not read in training, `for_items` reads them of the catalogue."""
        config, _ = read_model(folder, cls.config_class)
        stage = cls(config)
        if Path(folder, TERMS).is_file():
            terms = CatalogueTerms.load(folder, cls.config_class)
            stage._read = lambda: terms
            stage.n_trained = terms.rows.shape[0]
        return stage


class _New:
    """The new items of a catalogue.

    first : the code of the first of them
    codes : (m,) of all of them, the newest first
    """

    def __init__(self, terms: Callable[[], CatalogueTerms], first: int, items: ItemTable) -> None:
        self._terms = terms
        self._items = items
        self.first = first
        self.count = len(items) - first
        self.codes: IntArray = np.arange(len(items) - 1, first - 1, -1, dtype=np.int32)

    @cached_property
    def rows(self) -> csr_array:
        """(m, terms) in the order of the codes."""
        said: list[Mapping[str, Any]] = [*columns_of(self._items, self.first)] if self._items.frame.width else []
        return self._terms().vectors(said or [{}] * self.count)


def _placed(
    kept: Candidates, chosen: list[Any], codes: IntArray, liked: FloatArray, count: IntArray, n: int
) -> Candidates:
    """The chosen ones of each row spread evenly over the ends of a list of n: of ten, the last; of twenty, the tenth
    and the last. Where there is room for all, behind the others.

    kept   : (B, ≤ n), of which `count` (B,) are items
    chosen : B times the columns of `codes` and `liked` that get a place, the best first
    """
    B, width = len(kept), max(map(len, chosen)) + 1
    items = np.full((B, width), NO_ITEM, np.int32)
    likes = np.full((B, width), np.nan, np.float32)
    for b, mine in enumerate(chosen):
        items[b, : len(mine)], likes[b, : len(mine)] = codes[mine], liked[b, mine]
    both = kept.beside(Candidates.of_one_source(items, likes, NEW))
    first, blank = kept.items.shape[1], kept.items.shape[1] + width - 1
    order = np.full((B, n), blank, np.intp)
    under = np.zeros((B, n), np.bool_)
    for b, mine in enumerate(chosen):
        here, k = int(count[b]), len(mine)
        if here < n - k:  # there is room for all
            order[b, :here] = np.arange(here)
            order[b, here : here + k] = first + np.arange(k)
            under[b, here : here + k] = here > 0
        elif k:
            under[b, [round((i + 1) * n / k) - 1 for i in range(k)]] = True
            order[b, under[b]] = first + np.arange(k)
            order[b, ~under[b]] = np.arange(n - k)
        else:
            order[b] = np.arange(n)
    placed = both.reorder(order)
    scores = placed.scores.copy()
    for j in range(1, n):  # a list is sorted by score, so a new item has the score of the one above it
        scores[under[:, j], j] = scores[under[:, j], j - 1]
    return replace(placed, scores=scores)
