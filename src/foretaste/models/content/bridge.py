"""Collaborative item-to-item weights extended to cold items through their most similar known items."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from scipy.sparse import coo_array, csr_array, diags_array

from foretaste.errors import DataError
from foretaste.features.items import ItemFeatures
from foretaste.features.vector_ops import Whitening
from foretaste.index.topk import BLOCK_CELLS, set_nan
from foretaste.models.content.content import Content, ContentConfig
from foretaste.models.content.rows import Rows, new_and_changed
from foretaste.models.content.tfidf import Tfidf, TfidfConfig, texts_of
from foretaste.models.neighbours.itemknn import ItemKNN, ItemKNNConfig
from foretaste.models.recency import recency_weights
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import BoolArray, FloatArray, History, IntArray, LongArray, Queries, Run

WORDS, BRIDGE = "words", "bridge"
CALIBRATION_USERS = 1_000
"""Users whose scores calibrate the scale of the collaborative part against the content part."""


class BridgeConfig(ContentConfig):
    """Settings of `bridge`."""

    half_life_events: PositiveFloat = 3.0
    """An event of the history counts half as much after this many newer events."""
    shrinkage: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Shrinkage of the covariance in the whitening; 1 does not whiten."""
    words: NonNegativeFloat = 2.0
    """Weight of the tf-idf similarity, relative to 1 for the language model's."""
    behaviour: NonNegativeFloat = 1.5
    """β: weight of the collaborative part, relative to 1 for the similarity to the history."""
    neighbours: PositiveInt = 50
    """How many of the most similar known items stand in for an item."""
    sharpness: PositiveFloat = 2.0
    """p: exponent of the similarity in the weights of these neighbours; larger prefers the nearest."""
    prior_people: PositiveFloat = 10.0
    """κ: number of users at which an item's own behaviour weighs as much as that of its neighbours."""
    together: ItemKNNConfig = ItemKNNConfig(shrinkage=10.0)
    """Settings of the item-to-item weights."""


class Bridge(Content):
    """score(i) = Σ_j d_j (sim(i, j) + β Σ_k S_ik W_jk) / Σ_j |d_j| over the history j, with recency weights d_j.

    sim is the cosine of whitened vectors plus `words` times that of tf-idf vectors. W are item-to-item weights
    (`itemknn`). S maps content to behaviour by nearest neighbours (Gantner et al., ICDM 2010): with c_i users of item i
    and a prior κ, S_i = (c_i e_i + κ n_i) / (c_i + κ), where n_ik ∝ sim(i, k)^p over the nearest known items k. A cold
    item is represented by its neighbours alone, a popular one almost by itself. W is scaled so that both parts of the
    score have the same standard deviation over the items.

    rows          : as in `content`
    white         : (n_items, D) float32, the same whitened
    text          : tf-idf of the words; None where the catalogue has no texts
    evidence      : (n_items,) float32 c, the number of users
    item_to_item  : (n_items, n_items) CSR float32 W; row j holds the weights from item j
    neighbour_map : (n_items, n_items) CSR float32 S
    """

    name: ClassVar[str] = "bridge"
    config_class: ClassVar[type[Any]] = BridgeConfig
    grid: ClassVar[tuple[Any, ...]] = (
        BridgeConfig(),
        *(BridgeConfig(half_life_events=events) for events in (1.5, 8.0, 30.0)),
        *(BridgeConfig(behaviour=weight) for weight in (0.5, 3.0)),
    )
    whitening: Whitening
    white: Rows
    text: Tfidf | None
    evidence: FloatArray
    item_to_item: csr_array
    neighbour_map: csr_array

    def fit(self, train: Dataset, run: Run) -> Self:
        """Raises DataError where the catalogue has no content."""
        self._take_kinds(train)
        seen = np.bincount(train.item, minlength=train.n_items) > 0
        self.features = ItemFeatures(self.config.read).fit(train.items, seen)
        vectors = self.features.vectors(train.items, run)
        self.whitening = Whitening.of(vectors, self.config.shrinkage)
        self.white = Rows(self.whitening(vectors))
        self.text = None
        columns = self._text_columns(train.items)
        if self.config.words and any(train.items.texts(columns)):
            self.text = Tfidf(TfidfConfig(columns=columns)).fit(train, run)
        interactions = train.matrix()
        self.evidence = np.bincount(interactions.indices, minlength=train.n_items).astype(np.float32)
        item_knn = ItemKNN(self.config.together).fit(train, run)
        self.item_to_item = fitted(item_knn.weights, item_knn).weights
        self._keep(vectors)
        if self.without_content.all():
            raise DataError("The model 'bridge' reads the content of items, and this catalogue has none; leave it out.")
        self._set_neighbour_map(self._neighbour_rows(np.arange(train.n_items, dtype=np.int32), run))
        self.item_to_item = csr_array(self.item_to_item * np.float32(self._behaviour_scale(train.histories(), run)))
        return self

    def with_items(self, items: ItemTable, run: Run, changed: IntArray | None = None) -> Self:
        old = len(fitted(self.rows, self))
        other = super().with_items(items, run, changed)
        n = len(items)
        rows = new_and_changed(old, n, changed)
        if not len(rows):
            return other
        other.evidence = np.concatenate([self.evidence, np.zeros(n - old, np.float32)])
        other.item_to_item = _padded(self.item_to_item, n)
        other.white = self.white.grown(n, rows, self.whitening(fitted(other.rows, other).take(rows)))
        if self.text is not None:
            other.text = copy(self.text)
            new_texts = self.text.read(texts_of(items, rows, self.text.config.columns))
            vectors = _padded(fitted(self.text.vectors, self), n, new_texts.shape[1])
            other.text._keep(_with_rows(vectors, rows, new_texts))
        neighbour_map = _padded(self.neighbour_map, n)
        other._set_neighbour_map(_with_rows(neighbour_map, rows, other._neighbour_rows(rows, run)))
        return other

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 contribution of each event of the history to each item's score; a row sums to the score."""
        weight = recency_weights(len(history), self.config.half_life_events)
        parts = self.white.take(items) @ self.white.take(history).T
        if self.text is not None:
            parts += np.float32(self.config.words) * self.text.similarity(items, history)
        behaviour = (self.neighbour_map[items] @ self.item_to_item[history].T).toarray()
        parts += np.float32(self.config.behaviour) * behaviour
        weighted: FloatArray = parts * (weight / max(float(weight.sum()), 1e-9))
        return weighted

    def save(self, folder: Path | str) -> None:
        super().save(folder)
        further = {"evidence": self.evidence, "mean": self.whitening.mean, "turn": self.whitening.turn}
        sparse = {**sparse_arrays("together", self.item_to_item), **sparse_arrays("leaning", self.neighbour_map)}
        write_model(Path(folder, BRIDGE), self.config, {**further, **sparse})
        if self.text is not None:
            self.text.save(Path(folder, WORDS))

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        model = super().load(folder)
        _, arrays = read_model(Path(folder, BRIDGE), cls.config_class)
        mean, turn, model.evidence = (
            arrays[name].astype(np.float32, copy=False) for name in ("mean", "turn", "evidence")
        )
        model.whitening = Whitening(mean, turn)
        model.white = Rows(model.whitening(fitted(model.rows, model).whole()))
        model.item_to_item = sparse_matrix("together", arrays)
        model.text = Tfidf.load(Path(folder, WORDS)) if Path(folder, WORDS).is_dir() else None
        model._set_neighbour_map(sparse_matrix("leaning", arrays))
        return model

    def _text_columns(self, items: ItemTable) -> tuple[str, ...] | None:
        """The columns for tf-idf: those the language model reads, without templates. None reads all of them."""
        pieces = self.config.read.pieces
        return tuple(piece for piece in pieces if piece in items.frame.columns) or None if pieces else None

    def _set_neighbour_map(self, neighbour_map: csr_array) -> None:
        self.neighbour_map = neighbour_map
        self._neighbour_map_t = csr_array(neighbour_map.T)  # transposed once, and not for every query
        has_content = ~self.without_content
        if self.text is not None:
            has_content = has_content | (np.diff(fitted(self.text.vectors, self).indptr) > 0)
        self._unscorable: BoolArray = ~(has_content | (self.evidence > 0))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items without content and events, and for queries without weighted events."""
        weights = self._history_weights(queries.history, queries.asked_at)
        scores = self._content_scores(weights)
        if self.config.behaviour:
            scores += np.float32(self.config.behaviour) * self._behaviour_scores(weights)
        set_nan(scores, self._unscorable)
        scores[np.diff(weights.indptr) == 0] = np.nan
        return scores

    def _score_few(self, queries: Queries, items: IntArray) -> FloatArray:
        weights = self._history_weights(queries.history, queries.asked_at)
        scores = np.einsum("bkd,bd->bk", self.white.take(items), self.white.weighted(weights))
        words = None if self.text is None else csr_array(weights @ fitted(self.text.vectors, self))
        behaviour = csr_array(weights @ self.item_to_item)
        for b, codes in enumerate(items):
            if self.text is not None and words is not None:
                similarity = fitted(self.text.vectors, self)[codes] @ words[[b]].T
                scores[b] += np.float32(self.config.words) * similarity.toarray()[:, 0]
            if self.config.behaviour:
                by_neighbours = self.neighbour_map[codes] @ behaviour[[b]].T
                scores[b] += np.float32(self.config.behaviour) * by_neighbours.toarray()[:, 0]
        scores[np.diff(weights.indptr) == 0] = np.nan
        return scores

    @property
    def _unscored(self) -> BoolArray:
        return self._unscorable

    def _history_weights(self, history: History, asked_at: LongArray | None) -> csr_array:
        """(B, n_items) CSR float32 d: the weights of the items of each history, with absolute values that sum to 1."""
        weight = self.event_weights(history, asked_at)
        shape = (len(history), len(self.white))
        # A copy, since eliminate_zeros changes the arrays of the history in place.
        d = csr_array((weight, history.items, history.offsets), shape=shape).copy()
        d.eliminate_zeros()
        total = np.maximum(np.asarray(abs(d).sum(axis=1)).ravel(), 1e-9)
        d.data = (d.data / np.repeat(total, np.diff(d.indptr))).astype(np.float32)
        return d

    def _content_scores(self, weights: csr_array) -> FloatArray:
        """(B, n_items) Σ_j d_j sim(i, j)."""
        scores = self.white.products(self.white.weighted(weights))
        if self.text is not None:
            by_words = (weights @ fitted(self.text.vectors, self)) @ self.text.items_of
            scores += np.float32(self.config.words) * by_words.toarray()
        return scores

    def _behaviour_scores(self, weights: csr_array) -> FloatArray:
        """(B, n_items) Σ_j d_j Σ_k S_ik W_jk."""
        scores: FloatArray = ((weights @ self.item_to_item) @ self._neighbour_map_t).toarray()
        return scores

    def _neighbour_rows(self, rows: IntArray, run: Run) -> csr_array:
        """(R, n_items) CSR: the rows of S for some items (R,)."""
        known = np.flatnonzero(self.evidence > 0)
        column = np.full(len(self.white), -1)
        column[known] = np.arange(len(known))
        prior = self.config.prior_people
        rows_per_block = max(1, BLOCK_CELLS // max(1, len(known)))
        k = min(self.config.neighbours, len(known))
        entries: list[tuple[NDArray[Any], ...]] = []
        for start in range(0, len(rows), rows_per_block):
            some = rows[start : start + rows_per_block]
            identity = csr_array(
                (np.ones(len(some), np.float32), (np.arange(len(some)), some)), (len(some), len(self.white))
            )
            similarity = np.maximum(self._content_scores(identity)[:, known], 0)
            itself = np.flatnonzero(column[some] >= 0)
            similarity[itself, column[some[itself]]] = 0  # an item is no neighbour of itself
            nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k] if k else np.zeros((len(some), 0), np.intp)
            weight = np.take_along_axis(similarity, nearest, axis=1) ** self.config.sharpness
            share = prior / (self.evidence[some] + prior)  # of the neighbours; the rest is the item's own
            weight *= (share / np.maximum(weight.sum(axis=1), 1e-12))[:, None]
            entries.append((np.repeat(np.arange(len(some)) + start, k), known[nearest].ravel(), weight.ravel()))
            entries.append((itself + start, some[itself], (1 - share)[itself]))
            run.progress("bridge", min(len(rows), start + rows_per_block), len(rows))
        return _sparse(entries, (len(rows), len(self.white)))

    def _behaviour_scale(self, history: History, run: Run) -> float:
        """Standard deviation over the items of the content scores, divided by that of the behaviour scores."""
        users = np.flatnonzero(history.lengths > 0)
        users = np.sort(run.rng().permutation(users)[:CALIBRATION_USERS])
        histories = history.take(users)
        rows_per_block = max(1, BLOCK_CELLS // max(1, len(self.white)))
        spread = np.zeros(2)
        for start in range(0, len(users), rows_per_block):
            block = np.arange(start, min(start + rows_per_block, len(users)))
            weights = self._history_weights(histories.take(block), None)
            parts = (self._content_scores(weights), self._behaviour_scores(weights))
            spread += [float(part.std(axis=1).sum()) for part in parts]
        return float(spread[0] / spread[1]) if spread.all() else 1.0


def _sparse(entries: list[tuple[NDArray[Any], ...]], shape: tuple[int, int]) -> csr_array:
    """CSR float32 of (rows, columns, values), without explicit zeros."""
    empty = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    row, column, value = (np.concatenate(parts) for parts in zip(empty, *entries, strict=True))
    cells = (row.astype(np.int32), column.astype(np.int32))
    matrix = csr_array(coo_array((value.astype(np.float32), cells), shape=shape))
    matrix.eliminate_zeros()
    return matrix


def _padded(matrix: csr_array, rows: int, columns: int | None = None) -> csr_array:
    """The matrix with empty rows and columns appended; `columns` None makes it square."""
    ends = np.concatenate([matrix.indptr, np.full(rows - matrix.shape[0], matrix.indptr[-1])])
    return csr_array((matrix.data, matrix.indices, ends), shape=(rows, rows if columns is None else columns))


def _with_rows(matrix: csr_array, rows: IntArray, new: csr_array) -> csr_array:
    """The matrix with these rows (R,) replaced by `new` (R, columns)."""
    unchanged = np.ones(matrix.shape[0], np.float32)
    unchanged[rows] = 0
    place = csr_array((np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))), (matrix.shape[0], len(rows)))
    kept = csr_array(diags_array(unchanged) @ matrix)
    kept.eliminate_zeros()
    return csr_array(kept + place @ new).astype(np.float32)
