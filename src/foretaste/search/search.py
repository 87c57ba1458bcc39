"""Hybrid search: the words that are there, what was meant, and what this person likes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from foretaste.config import Config
from foretaste.errors import DataError
from foretaste.features.items import encoded
from foretaste.features.reading import item_texts
from foretaste.features.text import TextEncoderConfig, text_encoder
from foretaste.index.exact import ExactIndex, padded
from foretaste.index.topk import top_k
from foretaste.search.bm25 import Bm25, Bm25Config
from foretaste.search.spelling import Spelling
from foretaste.search.words import words_of
from foretaste.types import NO_ITEM, BoolArray, Candidates, FloatArray, IntArray, Queries, Ragged, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from foretaste.data.items import ItemTable
    from foretaste.index.vectors import VectorIndex
    from foretaste.protocols import Scorer

SOURCES = ("words", "meaning", "taste")


class SearchConfig(Config):
    encoder: TextEncoderConfig = TextEncoderConfig()
    """What reads the catalogue and the questions."""
    pieces: tuple[str, ...] | None = None
    """What is read of each item, as `item_texts` takes it; None reads every column of words."""
    bm25: Bm25Config = Bm25Config()
    meaning: float = Field(0.5, ge=0, le=1)
    """Weight of the language model beside the words; 0 needs none. Chosen on validation: benchmarks/search.py."""
    personal: NonNegativeFloat = 0.2
    """Weight of the person's taste; 0 gives everybody the same list. More helps who looks around, and hides the very
    title from who types it: benchmarks/search.py."""
    depth: PositiveInt = 200
    """Items looked at closely, from either side."""
    depth_personal: PositiveInt = 2_000
    """The same by words for a person: of all dramas, their taste is to say which."""


class Asked(NamedTuple):
    """One question, understood."""

    words: dict[str, float]
    """Written words and their weight."""
    text: str
    """The question as the language model reads it."""
    corrected: bool


class Search:
    """score(i) = (1 − m) · share of the question's words, rare ones counting more, that are in i
                  + m · cosine of question and i + p · (rank of i by taste, from −½ to ½)

    A convex combination of scores with fixed ends (Bruch, Gai & Ingber 2023), and not of ranks: how well the best
    words fit must be able to matter. Answers `Queries.text`; promises what a Retriever does.
    """

    def __init__(
        self,
        texts: Sequence[str],
        config: SearchConfig | None = None,
        vectors: VectorIndex | None = None,
        taste: Scorer | None = None,
    ) -> None:
        """texts   : (n_items,) the words that can be found
        vectors : the texts' vectors; None searches by words alone
        taste   : any model, asked how a person of that history likes what was found
        """
        self.config = config or SearchConfig()
        self.vectors = vectors
        self.taste = taste
        self._bm25 = Bm25(texts, self.config.bm25)
        self._spelled: Spelling | None = None

    @classmethod
    def of(cls, items: ItemTable, config: SearchConfig | None, run: Run, taste: Scorer | None = None) -> Search:
        """A search over a catalogue; texts that were never read are read now."""
        config = config or SearchConfig()
        texts = item_texts(items, config.pieces)
        if not any(texts):
            raise DataError("There is nothing to search: the catalogue has no texts.")
        vectors = None
        if config.meaning:
            vectors = ExactIndex(encoded(texts, config.encoder, run))
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
        understood: Sequence[Asked] | None = None,
    ) -> Candidates:
        """The k items that best answer each `queries.text`; a short list where no more have anything to do with it.

        personal   : the weight of taste in this call, instead of the config's
        understood : each text as `understood` reads it, where somebody has asked already
        """
        if queries.text is None:
            raise DataError("A search needs texts: Queries.text is None.")
        asked = [self.understood(text or "") for text in queries.text] if understood is None else understood
        meanings = self._meanings(asked)
        B, n, config = len(queries), len(self), self.config
        weight = 0.0 if self.taste is None else config.personal if personal is None else personal
        may = np.ones(n, np.bool_) if allowed is None else padded(allowed, n)
        items = np.full((B, k), NO_ITEM, np.int32)
        scores = np.full((B, k), np.nan, np.float32)
        found_by = np.full((B, k, len(SOURCES)), np.nan, np.float32)
        for b, question in enumerate(asked):
            free = may
            if exclude is not None:
                free = may.copy()
                free[exclude.row(b)] = False
            meaning = None if meanings is None else meanings[b]
            pool, parts = self._pool(question, meaning, free, config.depth_personal if weight else config.depth)
            total = (1 - self._meaning_weight) * np.nan_to_num(parts[:, 0])
            total += self._meaning_weight * np.nan_to_num(parts[:, 1])
            if weight and self.taste is not None and len(pool):
                parts[:, 2] = self.taste.score(queries.take(np.array([b])), pool[None, :])[0]
                total += weight * _by_rank(parts[:, 2])
            best = np.lexsort((pool, -total))[:k]
            width = len(best)
            items[b, :width], scores[b, :width], found_by[b, :width] = pool[best], total[best], parts[best]
        return Candidates(items, scores, found_by, np.zeros(found_by.shape, np.int32), SOURCES)

    def understood(self, text: str) -> Asked:
        """The words to look for: those that are written somewhere, and for the others what was probably meant."""
        words: Counter[str] = Counter()
        said: list[str] = []
        corrected = False
        for word in words_of(text):
            if self._bm25.written(word):
                words[word] += 1
                said.append(word)
                continue
            guesses = self._spelling.meant(word)
            halves = [] if guesses else self._spelling.split(word)
            for guess in guesses:
                words[guess.word] += guess.closeness  # type: ignore[assignment]  # a Counter adds floats as well
            for half in halves:
                words[half] += 1
            if not guesses and not halves:
                words[word] += 1  # nobody can match it, and so nobody matches the whole question
            said += [guesses[0].word] if guesses else halves or [word]
            corrected |= bool(guesses or halves)
        return Asked(dict(words), " ".join(said) if corrected else text, corrected)

    def put(self, items: IntArray, texts: Sequence[str], run: Run, *, read: Sequence[str] | None = None) -> None:
        """Add items, or give them new texts: found from now on.

        read : the same as the language model is to read them, with the names of columns; None: the texts as they are
        """
        if self.vectors is not None:
            self.vectors.put(items, encoded(texts if read is None else read, self.config.encoder, run))
        self._respell(self._bm25.put(items, texts))

    def delete(self, items: IntArray) -> None:
        if self.vectors is not None:
            self.vectors.delete(items)
        self._respell(self._bm25.delete(items))

    @property
    def _meaning_weight(self) -> float:
        return self.config.meaning if self.vectors is not None else 0.0

    def _meanings(self, asked: Sequence[Asked]) -> FloatArray | None:
        """(B, D)"""
        if self.vectors is None or not self._meaning_weight or not asked:
            return None
        encoder = text_encoder(self.config.encoder)
        return np.stack([encoder.question(question.text) for question in asked])

    def _pool(
        self, asked: Asked, meaning: FloatArray | None, free: BoolArray, depth: int
    ) -> tuple[IntArray, FloatArray]:
        """(P,) items worth a closer look, and (P, 3) what each source says of them."""
        by_words = self._bm25.scores(asked.words) / max(self._bm25.worth(asked.words), 1e-9)
        matching = np.where(free & (by_words > 0), by_words, np.nan).astype(np.float32)
        first, _ = top_k(matching[None, :], depth)
        pool = first[0][first[0] != NO_ITEM]
        cosines = None
        if meaning is not None and self.vectors is not None:
            near, said = self.vectors.search(meaning[None, :], self.config.depth, allowed=free)
            near, said = near[0][near[0] != NO_ITEM], said[0][near[0] != NO_ITEM]
            pool = np.union1d(pool, near[said > 0]).astype(np.int32)
            cosines = self.vectors.vectors[pool] @ meaning
        parts = np.full((len(pool), len(SOURCES)), np.nan, np.float32)
        parts[:, 0] = by_words[pool]
        if cosines is not None:
            parts[:, 1] = np.maximum(cosines, 0)
        return pool, parts

    def _respell(self, words: Iterable[str]) -> None:
        if self._spelled is not None:
            for word in words:
                self._spelled.put(word, int(self._bm25.spread[self._bm25.code[word]]))

    @property
    def _spelling(self) -> Spelling:
        """Made ready when somebody first misspells."""
        if self._spelled is None:
            self._spelled = Spelling(list(self._bm25.code), self._bm25.spread)
        return self._spelled


def _by_rank(scores: FloatArray) -> FloatArray:
    """(P,) −½ for the least liked, ½ for the most; 0 where the model cannot judge. Ranks, for models' scales differ."""
    judged: Any = ~np.isnan(scores)
    ranks = np.zeros(len(scores), np.float32)
    n = int(judged.sum())
    if n > 1:
        _, place, times = np.unique(scores[judged], return_inverse=True, return_counts=True)
        middle = np.cumsum(times) - (times + 1) / 2  # equal scores share the middle of their ranks
        ranks[judged] = middle[place] / (n - 1) - 0.5
    return ranks
