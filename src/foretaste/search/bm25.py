"""Words that are in the text, rare ones above common ones (Robertson & Zaragoza 2009).

Own code and not bm25s, which is as fast but frozen once built: a catalogue gains, changes and loses items all the
time, and spelling needs the vocabulary.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, NonNegativeFloat

from foretaste.config import Config
from foretaste.search.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from foretaste.types import FloatArray, IntArray, LongArray


class Bm25Config(Config):
    saturation: NonNegativeFloat = 1.2
    """k1: how soon the same word once more says nothing new."""
    length: float = Field(0.5, ge=0, le=1)
    """b: how much a long text must repeat itself to be as good as a short one. Titles want less than the usual 0.75."""


class Bm25:
    """score(i) = Σ over words t of the query: idf(t) · tf · (k1 + 1) / (tf + k1 · (1 − b + b · length / mean length))

    n items; words in postings: for each word, the items it is in and how often.
    """

    def __init__(self, texts: Sequence[str], config: Bm25Config | None = None) -> None:
        self.config = config or Bm25Config()
        self.code: dict[str, int] = {}
        self._bags: list[Counter[int]] = [self._bag(text) for text in texts]
        self._index()

    def __len__(self) -> int:
        return len(self._bags)

    @property
    def spread(self) -> LongArray:
        """(V,) in how many items each word is; its code is its place."""
        return np.diff(self._offsets)

    def idf(self, word: str) -> float:
        """What a word tells; as much as one that is in a single item where nobody knows it."""
        code = self.code.get(word)
        return float(_idf(max(1, int(self.spread[code])) if code is not None else 1, len(self)))

    def scores(self, words: Mapping[str, float]) -> FloatArray:
        """(n,) 0 where no word is there.

        words : the words asked for, and how much each counts
        """
        found = np.zeros(len(self), np.float32)
        for word, weight in words.items():
            if (code := self.code.get(word)) is not None:
                here = slice(self._offsets[code], self._offsets[code + 1])
                found[self._items[here]] += weight * self._weights[here]  # an item stands once in a word's list
        return found

    def worth(self, words: Mapping[str, float]) -> float:
        """The score of a text of usual length that says every word once; a shorter one can score somewhat more."""
        return sum(weight * self.idf(word) for word, weight in words.items())

    def put(self, items: IntArray, texts: Sequence[str]) -> None:
        """Add these items, or give them new texts."""
        for item, text in zip(items.tolist(), texts, strict=True):
            while item >= len(self._bags):
                self._bags.append(Counter())
            self._bags[item] = self._bag(text)
        self._index()

    def delete(self, items: IntArray) -> None:
        self.put(items, [""] * len(items))

    def _bag(self, text: str) -> Counter[int]:
        return Counter(self.code.setdefault(word, len(self.code)) for word in words_of(text))

    def _index(self) -> None:
        sizes = np.fromiter((len(bag) for bag in self._bags), np.int64, len(self._bags))
        words = np.fromiter((code for bag in self._bags for code in bag), np.int32, int(sizes.sum()))
        times = np.fromiter((n for bag in self._bags for n in bag.values()), np.float32, int(sizes.sum()))
        item = np.repeat(np.arange(len(self._bags), dtype=np.int32), sizes)
        order = np.argsort(words, kind="stable")
        self._items, times, words = item[order], times[order], words[order]
        self._offsets: LongArray = np.searchsorted(words, np.arange(len(self.code) + 1)).astype(np.int64)
        length = np.bincount(self._items, times, minlength=len(self._bags))
        filled = length[length > 0]
        relative = length[self._items] / (filled.mean() if len(filled) else 1.0)
        k1, b = self.config.saturation, self.config.length
        saturated = times * (k1 + 1) / (times + k1 * (1 - b + b * relative))
        self._weights: FloatArray = (saturated * _idf(self.spread, len(self))[words]).astype(np.float32)


def _idf(spread: NDArray[np.int64] | int, n: int) -> NDArray[np.float64]:
    """ln(1 + (n − df + ½) / (df + ½)): never below zero."""
    return np.log1p((n - np.asarray(spread) + 0.5) / (np.asarray(spread) + 0.5))
