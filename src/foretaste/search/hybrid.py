"""Hybrid search: BM25, text embeddings and, optionally, a model's personal scores, in one convex combination."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from foretaste.config import Config
from foretaste.errors import DataError
from foretaste.features.item_texts import item_texts
from foretaste.features.items import encode_texts
from foretaste.features.text import TextEncoderConfig, text_encoder
from foretaste.index.exact import ExactIndex, padded_mask
from foretaste.index.topk import top_k
from foretaste.search.bm25 import Bm25, Bm25Config
from foretaste.search.spelling import Spelling
from foretaste.search.tokenise import tokenise
from foretaste.types import NO_ITEM, BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from foretaste.data.items import ItemTable
    from foretaste.index.vector_index import VectorIndex
    from foretaste.protocols import Scorer

SOURCES = ("words", "meaning", "taste")


class SearchConfig(Config):
    """Encoders, weights and depths of hybrid search."""

    encoder: TextEncoderConfig = TextEncoderConfig()
    """The text encoder of catalogue and search queries."""
    pieces: tuple[str, ...] | None = None
    """Texts that are read of each item, as of `item_texts`; None reads every text column."""
    bm25: Bm25Config = Bm25Config()
    meaning: float = Field(0.5, ge=0, le=1)
    """Weight of the embeddings against BM25; 0 needs no encoder. Chosen on validation: benchmarks/search.py."""
    personal: NonNegativeFloat = 0.2
    """Weight of the personal scores; 0 gives all users the same list. More helps exploratory queries and hurts queries
    for a known title: benchmarks/search.py."""
    depth: PositiveInt = 200
    """Candidates from BM25 and from the embeddings each."""
    depth_personal: PositiveInt = 2_000
    """Candidates from BM25 where personal scores re-rank them: broad queries match many items."""


class ParsedQuery(NamedTuple):
    """A search query after spelling correction."""

    words: dict[str, float]
    """Query words of the vocabulary, with weights."""
    text: str
    """The query for the text encoder."""
    corrected: bool
    """Whether spelling correction changed it."""


class Search:
    """score(i) = (1 − m) · BM25 of i / BM25 of a full match + m · cosine of query and i
                  + p · (rank of i by the personal model, scaled to −½ … ½)

    A convex combination of normalised scores (Bruch, Gai & Ingber, TOIS 2023) and not of ranks, so that the quality of
    the best match counts. A Retriever that reads `Queries.text`.
    """

    def __init__(
        self,
        texts: Sequence[str],
        config: SearchConfig | None = None,
        vectors: VectorIndex | None = None,
        taste: Scorer | None = None,
    ) -> None:
        """texts   : (n_items,) indexed texts
        vectors : index of the texts' embeddings; None searches by BM25 alone
        taste   : a model for the personal scores, given each query's history
        """
        self.config = config or SearchConfig()
        self.vectors = vectors
        self.taste = taste
        self._bm25 = Bm25(texts, self.config.bm25)
        self._spelled: Spelling | None = None

    @classmethod
    def of(cls, items: ItemTable, config: SearchConfig | None, run: Run, taste: Scorer | None = None) -> Search:
        """Build the search over a catalogue; texts missing from the vector cache are encoded.

        DataError where the catalogue has no texts.
        """
        config = config or SearchConfig()
        texts = item_texts(items, config.pieces)
        if not any(texts):
            raise DataError("There is nothing to search: the catalogue has no texts.")
        vectors = None
        if config.meaning:
            vectors = ExactIndex(encode_texts(texts, config.encoder, run))
        return cls(item_texts(items, config.pieces, named=False), config, vectors, taste)

    def __len__(self) -> int:
        return len(self._bm25)

    def recommend(
        self,
        queries: Queries,
        k: int,
        *,
        exclude: Ragged | None = None,
        allowed: BoolArray | None = None,
        personal: float | None = None,
        parsed: Sequence[ParsedQuery] | None = None,
    ) -> Candidates:
        """The k best items per `queries.text`; shorter where fewer match. DataError where there are no texts.

        personal : weight of the personal scores in this call, instead of the config's
        parsed   : each text as of `parse_query`, where it was parsed before
        """
        if queries.text is None:
            raise DataError("A search needs texts: Queries.text is None.")
        searches = [self.parse_query(text or "") for text in queries.text] if parsed is None else parsed
        meanings = self._query_vectors(searches)
        B, n, config = len(queries), len(self), self.config
        weight = 0.0 if self.taste is None else config.personal if personal is None else personal
        may = np.ones(n, np.bool_) if allowed is None else padded_mask(allowed, n)
        items = np.full((B, k), NO_ITEM, np.int32)
        scores = np.full((B, k), np.nan, np.float32)
        found_by = np.full((B, k, len(SOURCES)), np.nan, np.float32)
        for b, parsed_query in enumerate(searches):
            free = may
            if exclude is not None:
                free = may.copy()
                free[exclude.row(b)] = False
            meaning = None if meanings is None else meanings[b]
            pool, parts = self._pool(parsed_query, meaning, free, config.depth_personal if weight else config.depth)
            total = (1 - self._meaning_weight) * np.nan_to_num(parts[:, 0])
            total += self._meaning_weight * np.nan_to_num(parts[:, 1])
            if weight and self.taste is not None and len(pool):
                parts[:, 2] = self.taste.score(queries.take(np.array([b])), pool[None, :])[0]
                total += weight * _by_rank(parts[:, 2])
            best = np.lexsort((pool, -total))[:k]
            width = len(best)
            items[b, :width], scores[b, :width], found_by[b, :width] = pool[best], total[best], parts[best]
        return Candidates(items, scores, found_by, np.zeros(found_by.shape, np.int32), SOURCES)

    def parse_query(self, text: str) -> ParsedQuery:
        """The words of a query: those in the vocabulary, and corrections or splits of the others."""
        words: Counter[str] = Counter()
        final: list[str] = []
        corrected = False
        for word in tokenise(text):
            if self._bm25.is_indexed(word):
                words[word] += 1
                final.append(word)
                continue
            guesses = self._spelling.corrections(word)
            halves = [] if guesses else self._spelling.split(word)
            for guess in guesses:
                words[guess.word] += guess.similarity  # type: ignore[assignment]  # a Counter adds floats, too
            for half in halves:
                words[half] += 1
            if not guesses and not halves:
                words[word] += 1  # matches no item, so no item is a full match
            final += [guesses[0].word] if guesses else halves or [word]
            corrected |= bool(guesses or halves)
        return ParsedQuery(dict(words), " ".join(final) if corrected else text, corrected)

    def put(self, items: IntArray, texts: Sequence[str], run: Run, *, read: Sequence[str] | None = None) -> None:
        """Add or replace items (N,) with these texts, effective at once.

        read : the texts for the encoder, with column names; None: the same texts
        """
        if self.vectors is not None:
            self.vectors.put(items, encode_texts(texts if read is None else read, self.config.encoder, run))
        self._update_spelling(self._bm25.put(items, texts))

    def delete(self, items: IntArray) -> None:
        """Remove items (N,), effective at once."""
        if self.vectors is not None:
            self.vectors.delete(items)
        self._update_spelling(self._bm25.delete(items))

    @property
    def _meaning_weight(self) -> float:
        return self.config.meaning if self.vectors is not None else 0.0

    def _query_vectors(self, searches: Sequence[ParsedQuery]) -> FloatArray | None:
        """(B, D) embeddings of the queries, None where they have no weight."""
        if self.vectors is None or not self._meaning_weight or not searches:
            return None
        encoder = text_encoder(self.config.encoder)
        return np.stack([encoder.encode_query(parsed_query.text) for parsed_query in searches])

    def _pool(
        self, parsed: ParsedQuery, meaning: FloatArray | None, free: BoolArray, depth: int
    ) -> tuple[IntArray, FloatArray]:
        """Candidates (P,) and their score per source (P, 3), nan where a source has none."""
        by_words = self._bm25.scores(parsed.words) / max(self._bm25.full_match_score(parsed.words), 1e-9)
        matching = np.where(free & (by_words > 0), by_words, np.nan).astype(np.float32)
        first, _ = top_k(matching[None, :], depth)
        pool = first[0][first[0] != NO_ITEM]
        cosines = None
        if meaning is not None and self.vectors is not None:
            near, similarity = self.vectors.search(meaning[None, :], self.config.depth, allowed=free)
            near, similarity = near[0][near[0] != NO_ITEM], similarity[0][near[0] != NO_ITEM]
            pool = np.union1d(pool, near[similarity > 0]).astype(np.int32)
            cosines = self.vectors.vectors[pool] @ meaning
        parts = np.full((len(pool), len(SOURCES)), np.nan, np.float32)
        parts[:, 0] = by_words[pool]
        if cosines is not None:
            parts[:, 1] = np.maximum(cosines, 0)
        return pool, parts

    def _update_spelling(self, words: Iterable[str]) -> None:
        if self._spelled is not None:
            for word in words:
                self._spelled.put(word, int(self._bm25.document_frequency[self._bm25.code[word]]))

    @property
    def _spelling(self) -> Spelling:
        """Built at the first misspelt query."""
        if self._spelled is None:
            self._spelled = Spelling(list(self._bm25.code), self._bm25.document_frequency)
        return self._spelled


def _by_rank(scores: FloatArray) -> FloatArray:
    """(P,) ranks scaled from −½ (lowest score) to ½ (highest), 0 for nan. Ranks, because models' scales differ."""
    scored: Any = ~np.isnan(scores)
    ranks = np.zeros(len(scores), np.float32)
    n = int(scored.sum())
    if n > 1:
        _, place, times = np.unique(scores[scored], return_inverse=True, return_counts=True)
        middle = np.cumsum(times) - (times + 1) / 2  # equal scores share their mean rank
        ranks[scored] = middle[place] / (n - 1) - 0.5
    return ranks
