"""What goes with a person's history, carried over to items nobody has taken by the items they are most like."""

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
from foretaste.models.fading import loudness
from foretaste.models.neighbours.itemknn import ItemKNN, ItemKNNConfig
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import BoolArray, FloatArray, History, IntArray, LongArray, Queries, Run

WORDS, BRIDGE = "words", "bridge"
ASKED = 1_000
"""People by whom it is found how loud each part is on its own."""


class BridgeConfig(ContentConfig):
    half_life_events: PositiveFloat = 3.0
    shrinkage: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Of the whitening: how little the spread of the catalogue counts; 1 leaves all directions as they are."""
    words: NonNegativeFloat = 2.0
    """How loudly shared rare words speak for the likeness of two items, where the language model speaks with 1."""
    behaviour: NonNegativeFloat = 1.5
    """How loudly what people take together speaks, where the likeness to the history speaks with 1."""
    neighbours: PositiveInt = 50
    """How many of the most alike known items lend an item what people did with them."""
    sharpness: PositiveFloat = 2.0
    """The power of the likeness by which they do; the larger, the more the nearest counts."""
    prior_people: PositiveFloat = 10.0
    """So many people must have taken an item until it speaks as much for itself as its neighbours do."""
    together: ItemKNNConfig = ItemKNNConfig(shrinkage=10.0)
    """Which items go together."""


class Bridge(Content):
    """score(i) = Σ_j d_j (like(i, j) + β Σ_k S_ik W_jk) / Σ_j |d_j| over the history j, d_j fading with age.

    like is the cosine of whitened vectors plus, weighted, that of tf-idf words. W says what goes with what (`itemknn`).
    S maps what items say to what people do with them, by nearest neighbours (Gantner et al., ICDM 2010): with c_i
    people and a prior of κ, S_i = (c_i e_i + κ n_i) / (c_i + κ), n_ik ∝ like(i, k)^p over the nearest known k. An item
    that is new is all neighbours; one that many took is itself. W counts in units in which both parts are equally loud.

    rows     : as `content` has them
    white    : (n_items, D) float32 the same, whitened
    text     : tf-idf of the words; None where the catalogue has none
    evidence : (n_items,) float32 c
    together : (n_items, n_items) CSR float32 W; row j what having done j says
    leaning  : (n_items, n_items) CSR float32 S
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
    together: csr_array
    leaning: csr_array

    def fit(self, train: Dataset, run: Run) -> Self:
        self._take_kinds(train)
        seen = np.bincount(train.item, minlength=train.n_items) > 0
        self.features = ItemFeatures(self.config.read).fit(train.items, seen)
        vectors = self.features.vectors(train.items, run)
        self.whitening = Whitening.of(vectors, self.config.shrinkage)
        self.white = Rows(self.whitening(vectors))
        self.text = None
        columns = self._columns(train.items)
        if self.config.words and any(train.items.texts(columns)):
            self.text = Tfidf(TfidfConfig(columns=columns)).fit(train, run)
        taken = train.matrix()
        self.evidence = np.bincount(taken.indices, minlength=train.n_items).astype(np.float32)
        learned = ItemKNN(self.config.together).fit(train, run)
        self.together = fitted(learned.weights, learned).weights
        self._keep(vectors)
        if self.unread.all():
            raise DataError("The model 'bridge' reads what items are, and this catalogue says nothing; leave it out.")
        self._carry(self._leaning(np.arange(train.n_items, dtype=np.int32), run))
        self.together = csr_array(self.together * np.float32(self._loudness(train.histories(), run)))
        return self

    def with_items(self, items: ItemTable, run: Run, changed: IntArray | None = None) -> Self:
        old = len(fitted(self.rows, self))
        other = super().with_items(items, run, changed)
        n = len(items)
        rows = new_and_changed(old, n, changed)
        if not len(rows):
            return other
        other.evidence = np.concatenate([self.evidence, np.zeros(n - old, np.float32)])
        other.together = _grown(self.together, n)
        other.white = self.white.grown(n, rows, self.whitening(fitted(other.rows, other).take(rows)))
        if self.text is not None:
            other.text = copy(self.text)
            said = self.text.read(texts_of(items, rows, self.text.config.columns))
            other.text._keep(_replaced(_grown(fitted(self.text.vectors, self), n, said.shape[1]), rows, said))
        other._carry(_replaced(_grown(self.leaning, n), rows, other._leaning(rows, run)))
        return other

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) what each thing a person did gives to the score of each item: a row sums to the score."""
        speaks = loudness(len(history), self.config.half_life_events)
        parts = self.white.take(items) @ self.white.take(history).T
        if self.text is not None:
            parts += np.float32(self.config.words) * self.text.alike(items, history)
        carried = (self.leaning[items] @ self.together[history].T).toarray()
        parts += np.float32(self.config.behaviour) * carried
        found: FloatArray = parts * (speaks / max(float(speaks.sum()), 1e-9))
        return found

    def save(self, folder: Path | str) -> None:
        super().save(folder)
        further = {"evidence": self.evidence, "mean": self.whitening.mean, "turn": self.whitening.turn}
        sparse = {**sparse_arrays("together", self.together), **sparse_arrays("leaning", self.leaning)}
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
        model.together = sparse_matrix("together", arrays)
        model.text = Tfidf.load(Path(folder, WORDS)) if Path(folder, WORDS).is_dir() else None
        model._carry(sparse_matrix("leaning", arrays))
        return model

    def _columns(self, items: ItemTable) -> tuple[str, ...] | None:
        """Whose words are counted: those the language model reads, but for templates."""
        pieces = self.config.read.pieces
        return tuple(piece for piece in pieces if piece in items.frame.columns) or None if pieces else None

    def _carry(self, leaning: csr_array) -> None:
        self.leaning, self._lent = leaning, csr_array(leaning.T)  # turned once, and not for every answer
        said = ~self.unread
        if self.text is not None:
            said = said | (np.diff(fitted(self.text.vectors, self).indptr) > 0)
        self._silent: BoolArray = ~(said | (self.evidence > 0))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for items of which nothing is known and for people who did nothing that counts."""
        speaks = self._speaks(queries.history, queries.asked_at)
        scores = self._alike(speaks)
        if self.config.behaviour:
            scores += np.float32(self.config.behaviour) * self._carried(speaks)
        set_nan(scores, self._silent)
        scores[np.diff(speaks.indptr) == 0] = np.nan
        return scores

    def _score_few(self, queries: Queries, items: IntArray) -> FloatArray:
        speaks = self._speaks(queries.history, queries.asked_at)
        scores = np.einsum("bkd,bd->bk", self.white.take(items), self.white.weighted(speaks))
        said = None if self.text is None else csr_array(speaks @ fitted(self.text.vectors, self))
        carried = csr_array(speaks @ self.together)
        for b, codes in enumerate(items):
            if self.text is not None and said is not None:
                alike = fitted(self.text.vectors, self)[codes] @ said[[b]].T
                scores[b] += np.float32(self.config.words) * alike.toarray()[:, 0]
            if self.config.behaviour:
                lent = self.leaning[codes] @ carried[[b]].T
                scores[b] += np.float32(self.config.behaviour) * lent.toarray()[:, 0]
        scores[np.diff(speaks.indptr) == 0] = np.nan
        return scores

    @property
    def _unscored(self) -> BoolArray:
        return self._silent

    def _speaks(self, history: History, asked_at: LongArray | None) -> csr_array:
        """(B, n_items) how loudly each item of a history speaks, 1 in all."""
        weight = self.event_weights(history, asked_at)
        shape = (len(history), len(self.white))
        found = csr_array(
            (weight, history.items, history.offsets), shape=shape
        ).copy()  # leaving zeros out changes them
        found.eliminate_zeros()
        total = np.maximum(np.asarray(abs(found).sum(axis=1)).ravel(), 1e-9)
        found.data = (found.data / np.repeat(total, np.diff(found.indptr))).astype(np.float32)
        return found

    def _alike(self, speaks: csr_array) -> FloatArray:
        found = self.white.products(self.white.weighted(speaks))
        if self.text is not None:
            rows = (speaks @ fitted(self.text.vectors, self)) @ self.text.items_of
            found += np.float32(self.config.words) * rows.toarray()
        return found

    def _carried(self, speaks: csr_array) -> FloatArray:
        found: FloatArray = ((speaks @ self.together) @ self._lent).toarray()
        return found

    def _leaning(self, rows: IntArray, run: Run) -> csr_array:
        """(R, n_items) CSR: S of some items."""
        known = np.flatnonzero(self.evidence > 0)
        place = np.full(len(self.white), -1)
        place[known] = np.arange(len(known))
        prior = self.config.prior_people
        at_once = max(1, BLOCK_CELLS // max(1, len(known)))
        k = min(self.config.neighbours, len(known))
        entries: list[tuple[NDArray[Any], ...]] = []
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            one = csr_array(
                (np.ones(len(some), np.float32), (np.arange(len(some)), some)), (len(some), len(self.white))
            )
            alike = np.maximum(self._alike(one)[:, known], 0)
            mine = np.flatnonzero(place[some] >= 0)
            alike[mine, place[some[mine]]] = 0  # an item is no neighbour of itself
            nearest = np.argpartition(-alike, k - 1, axis=1)[:, :k] if k else np.zeros((len(some), 0), np.intp)
            near = np.take_along_axis(alike, nearest, axis=1) ** self.config.sharpness
            lent = prior / (self.evidence[some] + prior)
            near *= (lent / np.maximum(near.sum(axis=1), 1e-12))[:, None]
            entries.append((np.repeat(np.arange(len(some)) + start, k), known[nearest].ravel(), near.ravel()))
            entries.append((mine + start, some[mine], (1 - lent)[mine]))
            run.progress("bridge", min(len(rows), start + at_once), len(rows))
        return _assembled(entries, (len(rows), len(self.white)))

    def _loudness(self, history: History, run: Run) -> float:
        """How many times louder likeness is than what is carried over: the ratio of their spreads over the items."""
        people = np.flatnonzero(history.lengths > 0)
        people = np.sort(run.rng().permutation(people)[:ASKED])
        of_each = history.take(people)
        at_once = max(1, BLOCK_CELLS // max(1, len(self.white)))
        spread = np.zeros(2)
        for start in range(0, len(people), at_once):
            speaks = self._speaks(of_each.take(np.arange(start, min(len(people), start + at_once))), None)
            spread += [float(part.std(axis=1).sum()) for part in (self._alike(speaks), self._carried(speaks))]
        return float(spread[0] / spread[1]) if spread.all() else 1.0


def _assembled(entries: list[tuple[NDArray[Any], ...]], shape: tuple[int, int]) -> csr_array:
    """CSR float32 of (rows, columns, values); what is 0 is left out."""
    empty = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    row, column, value = (np.concatenate(parts) for parts in zip(empty, *entries, strict=True))
    found = csr_array(
        coo_array((value.astype(np.float32), (row.astype(np.int32), column.astype(np.int32))), shape=shape)
    )
    found.eliminate_zeros()
    return found


def _grown(matrix: csr_array, rows: int, columns: int | None = None) -> csr_array:
    """The same with empty rows, and columns, behind it."""
    ends = np.concatenate([matrix.indptr, np.full(rows - matrix.shape[0], matrix.indptr[-1])])
    return csr_array((matrix.data, matrix.indices, ends), shape=(rows, rows if columns is None else columns))


def _replaced(matrix: csr_array, rows: IntArray, others: csr_array) -> csr_array:
    """The matrix with `others` (R, columns) in place of these rows."""
    stays = np.ones(matrix.shape[0], np.float32)
    stays[rows] = 0
    place = csr_array((np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))), (matrix.shape[0], len(rows)))
    kept = csr_array(diags_array(stays) @ matrix)
    kept.eliminate_zeros()
    return csr_array(kept + place @ others).astype(np.float32)
