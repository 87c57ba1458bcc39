"""Spelling correction: candidates by shared character 2- and 3-grams, then by edit distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.types import LongArray

MAX_COMPARED = 30
"""Vocabulary words with the most n-grams in common, whose edit distance is computed."""


class Correction(NamedTuple):
    """A vocabulary word that may have been meant."""

    word: str
    similarity: float
    """1 − edit distance / length of the longer word."""


class Spelling:
    """A vocabulary indexed by character n-grams: 'cat' is ^c ca at t$ ^ca cat at$."""

    def __init__(self, words: Sequence[str], document_frequency: LongArray) -> None:
        """document_frequency : (V,) items with each word; of equally close words the more frequent one wins"""
        self._words = [word for word, n in zip(words, document_frequency.tolist(), strict=True) if n > 0]
        self._document_frequency = dict(zip(words, document_frequency.tolist(), strict=True))
        ngrams: dict[str, list[int]] = {}
        for code, word in enumerate(self._words):
            for ngram in _ngrams(word):
                ngrams.setdefault(ngram, []).append(code)
        self._words_of_ngram = {ngram: np.array(codes, np.int32) for ngram, codes in ngrams.items()}
        self._size = np.array([len(_ngrams(word)) for word in self._words], np.float32)
        self._vocabulary = set(self._words)

    def put(self, word: str, document_frequency: int) -> None:
        """Set the document frequency of a word; with 0 it is no correction any more."""
        self._document_frequency[word] = document_frequency
        if word in self._vocabulary or not document_frequency:
            return
        ngrams = _ngrams(word)
        for ngram in ngrams:
            before = self._words_of_ngram.get(ngram, np.empty(0, np.int32))
            self._words_of_ngram[ngram] = np.append(before, np.int32(len(self._words)))
        self._words.append(word)
        self._vocabulary.add(word)
        self._size = np.append(self._size, np.float32(len(ngrams)))

    def corrections(self, word: str, most: int = 2) -> list[Correction]:
        """At most `most` words within distance 1 (2 from six letters on), closest first; none for digits."""
        return [] if any(letter.isdigit() for letter in word) else self._closest(word)[:most]

    def split(self, word: str) -> list[str]:
        """'starwars' as star, wars if both are in the vocabulary; of several splits the most frequent one."""
        halves = [(word[:i], word[i:]) for i in range(3, len(word) - 2)]
        pairs = [pair for pair in halves if all(self._document_frequency.get(half) for half in pair)]
        return list(max(pairs, key=lambda pair: min(self._document_frequency[half] for half in pair))) if pairs else []

    def _closest(self, word: str) -> list[Correction]:
        shared = np.zeros(len(self._words), np.float32)
        ngrams = _ngrams(word)
        for ngram in ngrams:
            if (codes := self._words_of_ngram.get(ngram)) is not None:
                shared[codes] += 1
        dice = 2 * shared / (self._size + len(ngrams))  # Dice coefficient
        near = np.argsort(-dice, kind="stable")[:MAX_COMPARED]
        allowed = 0 if len(word) < 3 else 1 if len(word) < 6 else 2
        corrections = []
        for code in near[dice[near] > 0].tolist():
            other = self._words[code]
            if (
                self._document_frequency[other]
                and abs(len(other) - len(word)) <= allowed
                and (n := edit_distance(word, other)) <= allowed
            ):
                corrections.append(Correction(other, 1 - n / max(len(word), len(other))))
        # Of equally close words one with the same letters wins: 'wras' is wars rather than was.
        letters = sorted(word)
        return sorted(
            corrections,
            key=lambda g: (-g.similarity, sorted(g.word) != letters, -self._document_frequency[g.word], g.word),
        )


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment distance)."""
    two_back: list[int] = []
    back = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            best = min(back[j] + 1, row[-1] + 1, back[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                best = min(best, two_back[j - 2] + 1)
            row.append(best)
        two_back, back = back, row
    return back[-1]


def _ngrams(word: str) -> set[str]:
    marked = f"^{word}$"
    return {marked[i : i + n] for n in (2, 3) for i in range(len(marked) - n + 1)}
