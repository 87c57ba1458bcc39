"""Okapi BM25 over an inverted index that can be updated (Robertson & Zaragoza 2009, eq. 3.15).

Not bm25s, which is as fast but cannot change once built: a catalogue gains, changes and loses items all the time, and
spelling correction needs the vocabulary.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, NonNegativeFloat

from foretaste.config import Config
from foretaste.search.tokenise import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from foretaste.types import FloatArray, IntArray, LongArray


MIN_CHANGED, CHANGED_SHARE = 500, 0.02
"""Posting lists are rebuilt when more items have changed than the first, and than this share of all items."""


class Bm25Config(Config):
    """Parameters of BM25."""

    saturation: NonNegativeFloat = 1.2
    """k1: term frequency saturation."""
    length: float = Field(0.5, ge=0, le=1)
    """b: length normalisation, 0 for none. Titles need less than the usual 0.75."""


class Bm25:
    """score(i) = Σ over words t of the query: idf(t) · tf · (k1 + 1) / (tf + k1 · (1 − b + b · length / mean length))

    Posting lists hold, per word, its items and term frequencies. Items added or changed since the last rebuild are kept
    apart; when there are many, the lists are rebuilt, which takes a second for 100,000 items. Scores do not depend on
    when that happens.
    """

    def __init__(self, texts: Sequence[str], config: Bm25Config | None = None) -> None:
        self.config = config or Bm25Config()
        self.code: dict[str, int] = {}
        self._words: list[str] = []
        self._bags: list[Counter[int]] = [self._bag(text) for text in texts]
        self._rebuild()

    def __len__(self) -> int:
        return len(self._bags)

    @property
    def document_frequency(self) -> LongArray:
        """(V,) number of items with each word; row = word code."""
        return self._document_frequency

    def is_indexed(self, word: str) -> bool:
        """Whether any item has the word."""
        code = self.code.get(word)
        return code is not None and self._document_frequency[code] > 0

    def idf(self, word: str) -> float:
        """IDF of a word; an unknown word counts as one that is in a single item."""
        code = self.code.get(word)
        document_frequency = int(self._document_frequency[code]) if code is not None else 1
        return float(_idf(max(1, document_frequency), len(self)))

    def scores(self, words: Mapping[str, float]) -> FloatArray:
        """(n,) float32 BM25 scores, 0 where no word matches.

        words : query words and their weights
        """
        scores = np.zeros(len(self), np.float32)
        for word, weight in words.items():
            if (code := self.code.get(word)) is None:
                continue
            idf = weight * float(_idf(int(self._document_frequency[code]), len(self)))
            for items, times, lengths in self._postings(code):  # an item is in one of them
                scores[items] += idf * self._saturated(times, lengths)
        return scores

    def full_match_score(self, words: Mapping[str, float]) -> float:
        """Score of a text of mean length with every word once, for normalising; a shorter text can score more."""
        return sum(weight * self.idf(word) for word, weight in words.items())

    def put(self, items: IntArray, texts: Sequence[str]) -> set[str]:
        """Add or replace the texts of items (N,); returns the words whose document frequency changed."""
        touched: set[int] = set()
        for item, text in zip(items.tolist(), texts, strict=True):
            while item >= len(self._bags):
                self._bags.append(Counter())
            old, new = self._bags[item], self._bag(text)
            self._bags[item] = new
            self._change(item, old, new)
            touched |= old.keys() ^ new.keys()
        if len(self._changed) > max(MIN_CHANGED, CHANGED_SHARE * len(self)):
            self._rebuild()
        return {self._words[code] for code in touched}

    def delete(self, items: IntArray) -> set[str]:
        """Remove items (N,); returns the words whose document frequency changed."""
        return self.put(items, [""] * len(items))

    def _bag(self, text: str) -> Counter[int]:
        bag: Counter[int] = Counter()
        for word in tokenise(text):
            if (code := self.code.get(word)) is None:
                code = self.code[word] = len(self.code)
                self._words.append(word)
            bag[code] += 1
        return bag

    def _rebuild(self) -> None:
        """Rebuild the posting lists from all items, sorted by word."""
        sizes = np.fromiter((len(bag) for bag in self._bags), np.int64, len(self._bags))
        words = np.fromiter((code for bag in self._bags for code in bag), np.int32, int(sizes.sum()))
        times = np.fromiter((n for bag in self._bags for n in bag.values()), np.float32, int(sizes.sum()))
        item = np.repeat(np.arange(len(self._bags), dtype=np.int32), sizes)
        length = np.bincount(item, times, minlength=len(self._bags)).astype(np.float32)
        order = np.argsort(words, kind="stable")
        self._items, self._times, self._lengths = item[order], times[order], length[item[order]]
        self._offsets = np.searchsorted(words[order], np.arange(len(self.code) + 1)).astype(np.int64)
        self._document_frequency: LongArray = np.diff(self._offsets)
        self._length, self._filled = float(length.sum(dtype=np.float64)), int(np.count_nonzero(length))
        self._stale = np.zeros(len(self._bags), np.bool_)
        self._changed: set[int] = set()
        self._later: dict[int, dict[int, tuple[int, int]]] = {}  # word -> item -> times, length

    def _change(self, item: int, old: Counter[int], new: Counter[int]) -> None:
        if (more := len(self.code) - len(self._document_frequency)) > 0:
            self._document_frequency = np.append(self._document_frequency, np.zeros(more, np.int64))
        self._document_frequency[list(old)] -= 1
        self._document_frequency[list(new)] += 1
        length = new.total()
        self._length += length - old.total()
        self._filled += bool(new) - bool(old)
        self._changed.add(item)
        if item < len(self._stale):
            self._stale[item] = True
        for code in old:
            self._later.get(code, {}).pop(item, None)
        for code, times in new.items():
            self._later.setdefault(code, {})[item] = times, length

    def _postings(self, code: int) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
        """Items with the word, term frequencies and text lengths: from the lists, then of items changed since."""
        if code + 1 < len(self._offsets):
            here = slice(self._offsets[code], self._offsets[code + 1])
            items, times, lengths = self._items[here], self._times[here], self._lengths[here]
            if self._changed:
                unchanged = ~self._stale[items]
                items, times, lengths = items[unchanged], times[unchanged], lengths[unchanged]
            yield items, times, lengths
        if later := self._later.get(code):
            pairs = np.array(list(later.values()), np.float32)
            yield np.fromiter(later, np.int32, len(later)), pairs[:, 0], pairs[:, 1]

    def _saturated(self, times: FloatArray, lengths: FloatArray) -> FloatArray:
        k1, b = self.config.saturation, self.config.length
        mean = self._length / max(1, self._filled)
        normaliser = k1 * (1 - b) + (k1 * b / max(mean, 1e-9)) * lengths
        return np.asarray(times * (k1 + 1) / (times + normaliser), np.float32)


def _idf(document_frequency: NDArray[np.int64] | int, n: int) -> NDArray[np.float64]:
    """ln(1 + (n − df + ½) / (df + ½)), which is never negative."""
    return np.log1p((n - np.asarray(document_frequency) + 0.5) / (np.asarray(document_frequency) + 0.5))
