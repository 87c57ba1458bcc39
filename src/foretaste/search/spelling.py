"""Words nobody wrote, and the written ones that were meant: by shared letter pairs and triples, then by edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.types import LongArray

LOOKED_AT = 30
"""Words of most letter groups in common whose edits are counted."""


class Guess(NamedTuple):
    word: str
    closeness: float
    """1 − edits per letter."""


class Spelling:
    """A vocabulary by letter groups: 'cat' is ^c ca at t$ ^ca cat at$."""

    def __init__(self, words: Sequence[str], spread: LongArray) -> None:
        """spread : (V,) in how many items each word is; of equally close words, the commoner was meant"""
        self._words = [word for word, n in zip(words, spread.tolist(), strict=True) if n > 0]
        self._spread = dict(zip(words, spread.tolist(), strict=True))
        groups: dict[str, list[int]] = {}
        for code, word in enumerate(self._words):
            for group in _groups(word):
                groups.setdefault(group, []).append(code)
        self._words_of_group = {group: np.array(codes, np.int32) for group, codes in groups.items()}
        self._size = np.array([len(_groups(word)) for word in self._words], np.float32)
        self._known = set(self._words)

    def put(self, word: str, spread: int) -> None:
        """The word is in so many items now; in none, nobody means it any more."""
        self._spread[word] = spread
        if word in self._known or not spread:
            return
        groups = _groups(word)
        for group in groups:
            before = self._words_of_group.get(group, np.empty(0, np.int32))
            self._words_of_group[group] = np.append(before, np.int32(len(self._words)))
        self._words.append(word)
        self._known.add(word)
        self._size = np.append(self._size, np.float32(len(groups)))

    def meant(self, word: str, most: int = 2) -> list[Guess]:
        """Written words within one edit of a short word, two of a longer one; the closest first."""
        return [] if any(letter.isdigit() for letter in word) else self._near(word)[:most]

    def split(self, word: str) -> list[str]:
        """'starwars' as star wars, where both are written; the split whose rarer half is commonest."""
        halves = [(word[:i], word[i:]) for i in range(3, len(word) - 2)]
        known = [pair for pair in halves if all(self._spread.get(half) for half in pair)]
        return list(max(known, key=lambda pair: min(self._spread[half] for half in pair))) if known else []

    def _near(self, word: str) -> list[Guess]:
        shared = np.zeros(len(self._words), np.float32)
        groups = _groups(word)
        for group in groups:
            if (codes := self._words_of_group.get(group)) is not None:
                shared[codes] += 1
        alike = 2 * shared / (self._size + len(groups))  # Dice
        near = np.argsort(-alike, kind="stable")[:LOOKED_AT]
        allowed = 0 if len(word) < 3 else 1 if len(word) < 6 else 2
        found = []
        for code in near[alike[near] > 0].tolist():
            other = self._words[code]
            if self._spread[other] and abs(len(other) - len(word)) <= allowed and (n := edits(word, other)) <= allowed:
                found.append(Guess(other, 1 - n / max(len(word), len(other))))
        # Of equally close words the one with the same letters was meant: 'wras' is wars rather than was.
        letters = sorted(word)
        return sorted(found, key=lambda g: (-g.closeness, sorted(g.word) != letters, -self._spread[g.word], g.word))


def edits(a: str, b: str) -> int:
    """Letters put in, left out, changed, or two neighbours swapped (optimal string alignment)."""
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


def _groups(word: str) -> set[str]:
    marked = f"^{word}$"
    return {marked[i : i + n] for n in (2, 3) for i in range(len(marked) - n + 1)}
