"""Content-based recommendation by tf-idf of item texts. Needs no events and no language model, and explains itself."""

from __future__ import annotations

import json
import re
from collections import Counter
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from scipy.sparse import csr_array, hstack, vstack

from foretaste.config import Config
from foretaste.data.ids import IdMap
from foretaste.errors import BundleError, DataError
from foretaste.index.sparse import dense_scores, recommend_sparse
from foretaste.index.topk import score_in_blocks
from foretaste.models.content.rows import new_and_changed
from foretaste.models.recency import recency_weighted_matrix, recency_weights
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run

WORD = re.compile(r"[^\W_]+")
VOCABULARY = "vocabulary.json"
LENGTH_WEIGHT = 0.75
"""b of BM25: strength of the document length normalisation."""


class TfidfConfig(Config):
    """Settings of `tfidf`."""

    weighting: Literal["bm25", "tfidf"] = "bm25"
    """Term frequency. bm25: saturates with the count and is normalised by text length. tfidf: the count itself."""
    saturation: PositiveFloat = 1.2
    """k₁ of BM25: the larger, the more repeated words count."""
    fewest_items: PositiveInt = 2
    """Minimum document frequency of a word: a word in a single item connects nothing."""
    columns: tuple[str, ...] | None = None
    """Columns that are read; None reads every text column, the title first."""
    half_life_events: PositiveFloat = 10.0
    """An event of the history counts half as much after this many newer events."""


class Tfidf:
    """score(i) = cosine of item i's tf-idf vector with the recency-weighted sum of the history's.

    The weight of a word is its inverse document frequency times its term frequency, saturated as in Okapi BM25
    (Robertson & Zaragoza 2009, eq. 3.15); rows have length 1.

    vectors     : (n_items, n_words) CSR float32; empty rows for items without weighted words
    further     : (m, n_words) the same of items that came later, with the next codes; None for none
    rarity      : (n_words,) float32 inverse document frequencies
    vocabulary  : word to column
    mean_length : mean number of words per text
    """

    config_class = TfidfConfig
    grid = (
        TfidfConfig(),
        TfidfConfig(half_life_events=2.0),
        TfidfConfig(half_life_events=100.0),
        TfidfConfig(weighting="tfidf"),
    )
    vectors: csr_array | None = None
    further: csr_array | None = None
    items_of: csr_array
    rarity: FloatArray
    _further_of: csr_array
    vocabulary: dict[str, int]
    mean_length: float
    kind_weight: FloatArray

    def __init__(self, config: TfidfConfig | None = None) -> None:
        self.config = config or TfidfConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        """Raises DataError where the catalogue has no texts."""
        texts = [tokenise(text) for text in train.items.texts(self.config.columns, named=False)]
        if not any(texts):
            raise DataError("The model 'tfidf' reads texts of items, and this catalogue has none; leave it out.")
        items_with = Counter(word for text in texts for word in set(text))
        fewest = min(self.config.fewest_items, max(items_with.values()))
        chosen = sorted(word for word, count in items_with.items() if count >= fewest)
        self.vocabulary = {word: column for column, word in enumerate(chosen)}
        n_texts = sum(1 for text in texts if text)
        count = np.array([items_with[word] for word in chosen])
        # A word in every text has weight 0, so no stop word lists are needed.
        self.rarity = np.log(n_texts / count).astype(np.float32)
        self.mean_length = sum(map(len, texts)) / n_texts
        self.kind_weight = train.kinds.weights
        self._keep(self._rows(texts))
        return self

    def with_items(self, items: ItemTable, run: Run, changed: IntArray | None = None) -> Self:
        """The same model for a catalogue that has grown; words it never met say nothing until the next `fit`.

        items   : the catalogue of `fit` with further rows behind it
        changed : codes of old items that are to be read again
        """
        old, n = self.n_items, len(items)
        if n < old:
            raise DataError(f"The model knows {old} items and the new catalogue has {n}; it may only grow.")
        other = copy(self)
        if (codes := new_and_changed(old, n, changed)).size:
            said = self.read(texts_of(items, codes, self.config.columns))
            if codes[0] >= old:  # the rows there are stay where they are
                other.further = said if self.further is None else csr_array(vstack([self.further, said], format="csr"))
                other._further_of = csr_array(other.further.T)
            else:
                rows = self._rows_of(np.arange(old, dtype=np.int32))
                place = np.arange(n)
                place[codes] = old + np.arange(len(codes))
                other._keep(csr_array(csr_array(vstack([rows, said], format="csr"))[place]))
        return other

    @property
    def n_items(self) -> int:
        n = int(fitted(self.vectors, self).shape[0])
        return n if self.further is None else n + int(self.further.shape[0])

    def read(self, texts: Sequence[str]) -> csr_array:
        """(n, n_words) CSR float32 tf-idf vectors of any texts, rows of length 1; empty where no word is known."""
        return self._rows([tokenise(text) for text in texts])

    def _keep(self, vectors: csr_array) -> None:
        self.further = None
        self.vectors, self.items_of = vectors, csr_array(vectors.T)  # transposed once, and not for every query

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
        column, frequency = np.array(columns, np.int32), np.array(counts, np.float64)
        if self.config.weighting == "bm25":
            length = np.array([len(text) for text in texts])[row] / self.mean_length
            k = self.config.saturation
            frequency = frequency * (k + 1) / (frequency + k * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length))
        weight = frequency * self.rarity[column]
        norm = np.sqrt(np.bincount(row, weight**2, len(texts)))
        weight = np.divide(weight, norm[row], out=np.zeros_like(weight), where=norm[row] > 0)
        shape = (len(texts), len(self.vocabulary))
        rows = csr_array((weight.astype(np.float32), column, np.array(ends)), shape=shape)
        rows.eliminate_zeros()
        return rows

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        return recommend_sparse(self._cosines, queries, k, self.n_items, "tfidf", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(lambda some: dense_scores(self._cosines(some)), queries, items, self.n_items)

    def _cosines(self, queries: Queries) -> csr_array:
        """(B, n_items) CSR; no entry where item and history share no weighted word."""
        vectors = fitted(self.vectors, self)
        n = vectors.shape[0]
        half_life = self.config.half_life_events
        x = recency_weighted_matrix(queries.history, self.n_items, self.kind_weight, half_life)
        if self.further is None:
            profile = x @ vectors  # (B, n_words) CSR
            cosines = csr_array(profile @ self.items_of)
        else:
            profile = x[:, :n] @ vectors + x[:, n:] @ self.further
            cosines = csr_array(hstack([profile @ self.items_of, profile @ self._further_of], format="csr"))
        length = np.asarray(np.sqrt(profile.multiply(profile).sum(axis=1)), np.float32)
        cosines.data /= np.repeat(np.where(length > 0, length, np.float32(1)), np.diff(cosines.indptr))
        return cosines

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 cosine of item and event times recency: contributions, up to the length of the profile."""
        return self.similarity(items, history) * recency_weights(len(history), self.config.half_life_events)

    def similarity(self, some: IntArray, others: IntArray) -> FloatArray:
        """(K, H) float32 cosines of K items with H items."""
        cosines: FloatArray = (self._rows_of(some) @ self._rows_of(others).T).toarray()
        return cosines

    def _rows_of(self, codes: IntArray) -> csr_array:
        """(K, n_words) of some items."""
        vectors = fitted(self.vectors, self)
        if self.further is None:
            return csr_array(vectors[codes])
        n = vectors.shape[0]
        early = codes < n
        place = np.empty(len(codes), np.intp)
        place[early] = np.arange(int(early.sum()))
        place[~early] = int(early.sum()) + np.arange(int((~early).sum()))
        return csr_array(
            csr_array(vstack([vectors[codes[early]], self.further[codes[~early] - n]], format="csr"))[place]
        )

    def shared_words(self, one: int, other: int, n: int = 3) -> list[str]:
        """The n words that contribute most to the cosine of two items, largest first."""
        of_one, of_other = (self._rows_of(np.array([code], np.int32)) for code in (one, other))
        both = of_one.multiply(of_other).tocoo()
        strongest = np.lexsort((both.coords[1], -both.data))[:n]
        word_of = list(self.vocabulary)
        return [word_of[both.coords[1][at]] for at in strongest]

    def save(self, folder: Path | str) -> None:
        arrays = sparse_arrays("vectors", self._rows_of(np.arange(self.n_items, dtype=np.int32)))
        further = {"rarity": self.rarity, "kind_weight": self.kind_weight, "mean_length": np.array([self.mean_length])}
        write_model(folder, self.config, {**arrays, **further})
        Path(folder, VOCABULARY).write_text(json.dumps(list(self.vocabulary), ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, TfidfConfig)
        model = cls(config)
        try:
            vocabulary = json.loads(Path(folder, VOCABULARY).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BundleError(f"The model in {folder} cannot be read ({error}); train it again.") from error
        model.vocabulary = {word: column for column, word in enumerate(vocabulary)}
        model._keep(sparse_matrix("vectors", arrays))
        model.rarity = arrays["rarity"].astype(np.float32, copy=False)
        model.kind_weight = arrays["kind_weight"].astype(np.float32, copy=False)
        model.mean_length = float(arrays["mean_length"][0])
        return model


def texts_of(items: ItemTable, codes: IntArray, columns: Sequence[str] | None) -> list[str]:
    """(K,) texts of some items, of the columns that are read of the whole catalogue."""
    columns = items.text_columns() if columns is None else columns
    frame = items.frame[codes.tolist()] if items.frame.width else items.frame
    return replace(items, ids=IdMap(items.ids.names.gather(codes)), frame=frame, places=None).texts(
        columns, named=False
    )


def tokenise(text: str) -> list[str]:
    """The words of a text, case-folded."""
    return WORD.findall(text.casefold())
