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
from foretaste.search.tokenise import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from foretaste.types import FloatArray, IntArray, LongArray


LEAST_CHANGED, CHANGED_SHARE = 500, 0.02
"""The postings are written anew when more items have changed than the first, and than this share of all."""


class Bm25Config(Config):
    saturation: NonNegativeFloat = 1.2
    """k1: how soon the same word once more says nothing new."""
    length: float = Field(0.5, ge=0, le=1)
    """b: how much a long text must repeat itself to be as good as a short one. Titles want less than the usual 0.75."""


class Bm25:
    """score(i) = Σ over words t of the query: idf(t) · tf · (k1 + 1) / (tf + k1 · (1 − b + b · length / mean length))

    n items; words in postings: for each word, the items it is in and how often. Items that came or changed since the
    postings were written stand beside them; they are written anew when these are many, for that takes a second with a
    hundred thousand items. The scores are the same either way.
    """

    def __init__(self, texts: Sequence[str], config: Bm25Config | None = None) -> None:
        self.config = config or Bm25Config()
        self.code: dict[str, int] = {}
        self._words: list[str] = []
        self._bags: list[Counter[int]] = [self._bag(text) for text in texts]
        self._write()

    def __len__(self) -> int:
        return len(self._bags)

    @property
    def document_frequency(self) -> LongArray:
        """(V,) in how many items each word is; its code is its place."""
        return self._document_frequency

    def is_indexed(self, word: str) -> bool:
        """Whether any item says it."""
        code = self.code.get(word)
        return code is not None and self._document_frequency[code] > 0

    def idf(self, word: str) -> float:
        """What a word tells; as much as one that is in a single item where nobody knows it."""
        code = self.code.get(word)
        document_frequency = int(self._document_frequency[code]) if code is not None else 1
        return float(_idf(max(1, document_frequency), len(self)))

    def scores(self, words: Mapping[str, float]) -> FloatArray:
        """(n,) 0 where no word is there.

        words : the words asked for, and how much each counts
        """
        found = np.zeros(len(self), np.float32)
        for word, weight in words.items():
            if (code := self.code.get(word)) is None:
                continue
            telling = weight * float(_idf(int(self._document_frequency[code]), len(self)))
            for items, times, lengths in self._postings(code):  # an item stands once in all of them
                found[items] += telling * self._saturated(times, lengths)
        return found

    def full_match_score(self, words: Mapping[str, float]) -> float:
        """The score of a text of usual length that says every word once; a shorter one can score somewhat more."""
        return sum(weight * self.idf(word) for word, weight in words.items())

    def put(self, items: IntArray, texts: Sequence[str]) -> set[str]:
        """Add these items, or give them new texts; the words that are in more or fewer items than before."""
        touched: set[int] = set()
        for item, text in zip(items.tolist(), texts, strict=True):
            while item >= len(self._bags):
                self._bags.append(Counter())
            old, new = self._bags[item], self._bag(text)
            self._bags[item] = new
            self._change(item, old, new)
            touched |= old.keys() ^ new.keys()
        if len(self._changed) > max(LEAST_CHANGED, CHANGED_SHARE * len(self)):
            self._write()
        return {self._words[code] for code in touched}

    def delete(self, items: IntArray) -> set[str]:
        return self.put(items, [""] * len(items))

    def _bag(self, text: str) -> Counter[int]:
        bag: Counter[int] = Counter()
        for word in tokenise(text):
            if (code := self.code.get(word)) is None:
                code = self.code[word] = len(self.code)
                self._words.append(word)
            bag[code] += 1
        return bag

    def _write(self) -> None:
        """The postings of all items, sorted by word."""
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
        """Items that say the word, how often, and how long they are: those that were written, and those since."""
        if code + 1 < len(self._offsets):
            here = slice(self._offsets[code], self._offsets[code + 1])
            items, times, lengths = self._items[here], self._times[here], self._lengths[here]
            if self._changed:
                as_written = ~self._stale[items]
                items, times, lengths = items[as_written], times[as_written], lengths[as_written]
            yield items, times, lengths
        if later := self._later.get(code):
            said = np.array(list(later.values()), np.float32)
            yield np.fromiter(later, np.int32, len(later)), said[:, 0], said[:, 1]

    def _saturated(self, times: FloatArray, lengths: FloatArray) -> FloatArray:
        k1, b = self.config.saturation, self.config.length
        mean = self._length / max(1, self._filled)
        seldom = k1 * (1 - b) + (k1 * b / max(mean, 1e-9)) * lengths
        return np.asarray(times * (k1 + 1) / (times + seldom), np.float32)


def _idf(document_frequency: NDArray[np.int64] | int, n: int) -> NDArray[np.float64]:
    """ln(1 + (n − df + ½) / (df + ½)): never below zero."""
    return np.log1p((n - np.asarray(document_frequency) + 0.5) / (np.asarray(document_frequency) + 0.5))
