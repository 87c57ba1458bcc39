"""Recommend items described with the same telling words. Needs nobody's clicks, no language model, and can say why."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from scipy.sparse import csr_array, vstack

from foretaste.config import Config
from foretaste.errors import BundleError, DataError
from foretaste.index.sparse import dense_scores, recommend_sparse
from foretaste.index.topk import score_in_blocks
from foretaste.models.recency import recency_weighted_matrix, recency_weights
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run

WORD = re.compile(r"[^\W_]+")
VOCABULARY = "vocabulary.json"
LENGTH_WEIGHT = 0.75
"""b of BM25: how much a long text is held against its words."""


class TfidfConfig(Config):
    weighting: Literal["bm25", "tfidf"] = "bm25"
    """bm25: a word said twice says little more than one said once, less so in a long text. tfidf: twice as much."""
    saturation: PositiveFloat = 1.2
    """k₁ of BM25: the larger, the more repeats of a word count."""
    fewest_items: PositiveInt = 2
    """A word must stand in so many items: one that stands in a single one connects nothing."""
    columns: tuple[str, ...] | None = None
    """What is read of each item; None reads every column of words, the title first."""
    half_life_events: PositiveFloat = 10.0
    """After how many newer events an event speaks half as loudly."""


class Tfidf:
    """score(i) = cosine of the words of item i with those of the history, newer events louder.

    A word weighs its inverse document frequency times its count in the text, dampened as the Okapi BM25 does
    (Robertson & Zaragoza 2009, eq. 3.15); rows have length 1.

    vectors    : (n_items, n_words) CSR float32; empty rows where an item has no telling word
    rarity     : (n_words,) float32 inverse document frequencies
    vocabulary : word to column
    """

    config_class = TfidfConfig
    grid = (
        TfidfConfig(),
        TfidfConfig(half_life_events=2.0),
        TfidfConfig(half_life_events=100.0),
        TfidfConfig(weighting="tfidf"),
    )
    vectors: csr_array | None = None
    items_of: csr_array
    rarity: FloatArray
    vocabulary: dict[str, int]
    mean_length: float
    kind_weight: FloatArray

    def __init__(self, config: TfidfConfig | None = None) -> None:
        self.config = config or TfidfConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        texts = [words(text) for text in train.items.texts(self.config.columns, named=False)]
        if not any(texts):
            raise DataError("The model 'tfidf' reads texts of items, and this catalogue has none; leave it out.")
        items_with = Counter(word for text in texts for word in set(text))
        fewest = min(self.config.fewest_items, max(items_with.values()))
        chosen = sorted(word for word, count in items_with.items() if count >= fewest)
        self.vocabulary = {word: column for column, word in enumerate(chosen)}
        written = sum(1 for text in texts if text)
        count = np.array([items_with[word] for word in chosen])
        # A word that stands in every text is worth nothing: no list of stop words in any language is needed.
        self.rarity = np.log(written / count).astype(np.float32)
        self.mean_length = sum(map(len, texts)) / written
        self.kind_weight = train.kinds.weights
        self._keep(self._rows(texts))
        return self

    def add(self, texts: Sequence[str]) -> Self:
        """Further items, with the next codes; words never met before say nothing until the next `fit`."""
        self._keep(csr_array(vstack([fitted(self.vectors, self), self.read(texts)], format="csr")))
        return self

    def read(self, texts: Sequence[str]) -> csr_array:
        """(n, n_words) CSR float32 rows of length 1 of any texts; empty rows where no known word stands."""
        return self._rows([words(text) for text in texts])

    def _keep(self, vectors: csr_array) -> None:
        self.vectors, self.items_of = vectors, csr_array(vectors.T)  # turned once, and not for every answer

    def _rows(self, texts: Sequence[Sequence[str]]) -> csr_array:
        """(n, n_words) CSR float32 rows of length 1."""
        columns: list[int] = []
        counts: list[int] = []
        ends = [0]
        for text in texts:
            known = sorted(Counter(self.vocabulary[word] for word in text if word in self.vocabulary).items())
            columns += [column for column, _ in known]
            counts += [count for _, count in known]
            ends.append(len(columns))
        row = np.repeat(np.arange(len(texts)), np.diff(ends))
        column, often = np.array(columns, np.int32), np.array(counts, np.float64)
        if self.config.weighting == "bm25":
            length = np.array([len(text) for text in texts])[row] / self.mean_length
            k = self.config.saturation
            often = often * (k + 1) / (often + k * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length))
        weight = often * self.rarity[column]
        norm = np.sqrt(np.bincount(row, weight**2, len(texts)))
        weight = np.divide(weight, norm[row], out=np.zeros_like(weight), where=norm[row] > 0)
        shape = (len(texts), len(self.vocabulary))
        rows = csr_array((weight.astype(np.float32), column, np.array(ends)), shape=shape)
        rows.eliminate_zeros()
        return rows

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = fitted(self.vectors, self).shape[0]
        return recommend_sparse(self._likeness, queries, k, n, "tfidf", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        n = fitted(self.vectors, self).shape[0]
        return score_in_blocks(lambda some: dense_scores(self._likeness(some)), queries, items, n)

    def _likeness(self, queries: Queries) -> csr_array:
        """(B, n_items) CSR; nothing where item and history share no telling word."""
        vectors = fitted(self.vectors, self)
        taste = (
            recency_weighted_matrix(queries.history, vectors.shape[0], self.kind_weight, self.config.half_life_events)
            @ vectors
        )
        length = np.asarray(np.sqrt(taste.multiply(taste).sum(axis=1)), np.float32)
        found = csr_array(taste @ self.items_of)
        found.data /= np.repeat(np.where(length > 0, length, np.float32(1)), np.diff(found.indptr))
        return found

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        return self.alike(items, history) * recency_weights(len(history), self.config.half_life_events)

    def alike(self, some: IntArray, others: IntArray) -> FloatArray:
        """(K, H) cosines of items with items."""
        vectors = fitted(self.vectors, self)
        found: FloatArray = (vectors[some] @ vectors[others].T).toarray()
        return found

    def shared_words(self, one: int, other: int, n: int = 3) -> list[str]:
        """The n words that speak most for the likeness of two items, the strongest first."""
        vectors = fitted(self.vectors, self)
        both = vectors[[one]].multiply(vectors[[other]]).tocoo()
        strongest = np.lexsort((both.coords[1], -both.data))[:n]
        word_of = list(self.vocabulary)
        return [word_of[both.coords[1][at]] for at in strongest]

    def save(self, folder: Path | str) -> None:
        arrays = sparse_arrays("vectors", fitted(self.vectors, self))
        further = {"rarity": self.rarity, "kind_weight": self.kind_weight, "mean_length": np.array([self.mean_length])}
        write_model(folder, self.config, {**arrays, **further})
        Path(folder, VOCABULARY).write_text(json.dumps(list(self.vocabulary), ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, TfidfConfig)
        model = cls(config)
        try:
            known = json.loads(Path(folder, VOCABULARY).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BundleError(f"The model in {folder} cannot be read ({error}); train it again.") from error
        model.vocabulary = {word: column for column, word in enumerate(known)}
        model._keep(sparse_matrix("vectors", arrays))
        model.rarity = arrays["rarity"].astype(np.float32, copy=False)
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        model.mean_length = float(arrays["mean_length"][0])
        return model


def words(text: str) -> list[str]:
    """The words of a text, alike however they are written large or small."""
    return WORD.findall(text.casefold())
