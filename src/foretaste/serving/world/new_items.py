"""Items that came after the training: no model knows them, but their words can be compared with what a person did."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from foretaste.types import NO_USER, Queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from foretaste.models.content.content import Content
    from foretaste.types import FloatArray, History, IntArray, LongArray

WORD = re.compile(r"\w+")
EVENTS_READ = 50
"""The latest events of a person that a newcomer is compared with."""
HALF_LIFE_EVENTS = 10.0
MAX_WORDS = 50
"""Words read of one text: the first say what it is."""


def terms(columns: Mapping[str, Any]) -> set[str]:
    """What an item says of itself: the words of its texts, and each label (a genre, a brand) as a whole.

    Numbers are left out: equal years or prices make nothing alike, and their rarity would drown the words.
    """
    found: set[str] = set()
    for name, value in columns.items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str):
                words = WORD.findall(text.lower())[:MAX_WORDS]
                found.update(words)
                if len(words) <= 4:
                    found.add(f"{name}={text.lower()}")
    return found


class Words:
    """tf-idf over the catalogue of a bundle (Salton & Buckley 1988): a term counts log(n / how many items have it).

    rows : (n_items, n_terms) float32, each of length 1, 0 where an item says nothing
    """

    def __init__(self, items: Iterable[Mapping[str, Any]]) -> None:
        self._code: dict[str, int] = {}
        columns: list[int] = []
        starts = [0]
        for item in items:
            columns += [self._code.setdefault(term, len(self._code)) for term in sorted(terms(item))]
            starts.append(len(columns))
        n = len(starts) - 1
        indices = np.array(columns, np.int32)
        seen = np.bincount(indices, minlength=len(self._code))
        self._weight = np.log((1 + n) / np.maximum(seen, 1)).astype(np.float32)
        self._rare = np.float32(np.log(1 + n) if n else 1.0)
        self.rows = _of_length_1(self._weight, columns, starts)

    def vectors(self, items: Sequence[Mapping[str, Any]]) -> csr_array:
        """(m, n_terms + what is new in them) rows of length 1; terms the catalogue does not have come last."""
        code, new = self._code, dict[str, int]()
        columns: list[int] = []
        starts = [0]
        for item in items:
            for term in sorted(terms(item)):
                known = code.get(term)
                columns.append(len(code) + new.setdefault(term, len(new)) if known is None else known)
            starts.append(len(columns))
        weight = np.concatenate([self._weight, np.full(len(new), self._rare, np.float32)])
        return _of_length_1(weight, columns, starts)


@dataclass(frozen=True, eq=False)
class Newcomers:
    """names   : of the m items, newest first
    columns : what is known of each
    words   : of the bundle's catalogue
    vectors : by name, of those that the bundle's content model has read
    content : that model; None where there is none
    """

    names: tuple[str, ...]
    columns: tuple[Mapping[str, Any], ...]
    words: Words
    vectors: Mapping[str, FloatArray] = field(default_factory=dict)
    content: Content | None = None

    @cached_property
    def place(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def rows(self) -> csr_array:
        return self.words.vectors(self.columns)

    @cached_property
    def table(self) -> FloatArray | None:
        """(m, D) what the content model says of each, 0 where it has not read it; None where it has read none."""
        if self.content is None or not self.vectors:
            return None
        assert self.content.vectors is not None
        nothing = np.zeros(self.content.vectors.shape[1], np.float32)
        return np.stack([self.vectors.get(name, nothing) for name in self.names])

    def affinity(
        self, history: History, newcomers: Sequence[int], weight: FloatArray, asked_at: LongArray | None = None
    ) -> FloatArray:
        """(m,) cosine of each newcomer with what a person did: of its vector where it was read, else of its words.

        history   : one row of events with items of the bundle
        newcomers : places of newcomers the person did something with, newer than all that
        weight    : (H,) how loudly each event speaks
        """
        by_words = self._by_words(history.items, newcomers, weight)
        if self.content is None or self.table is None:
            return by_words
        taste = self.content.profile(Queries(np.array([NO_USER], np.int32), history, asked_at))[0]
        taste = taste + self.table[list(newcomers)].sum(axis=0)
        near = self.table @ (taste / max(float(np.linalg.norm(taste)), 1e-12))
        return np.where(self.table.any(axis=1), near, by_words).astype(np.float32)

    def _by_words(self, items: IntArray, newcomers: Sequence[int], weight: FloatArray) -> FloatArray:
        """The same by tf-idf.

        items : (H,) codes of the bundle, oldest first, of which the last count most
        """
        items, weight = items[-EVENTS_READ:], weight[-EVENTS_READ:]
        faded = (weight * np.exp2(-np.arange(len(items) - 1, -1, -1) / HALF_LIFE_EVENTS)).astype(np.float32)
        known = self.words.rows.shape[1]
        profile = np.zeros(self.rows.shape[1], np.float32)
        profile[:known] = self.words.rows[items].T @ faded
        if newcomers:
            profile += np.asarray(self.rows[list(newcomers)].sum(axis=0)).ravel()
        length = float(np.linalg.norm(profile))
        return np.asarray(self.rows @ profile).ravel().astype(np.float32) / (length or 1.0)

    def like(self, columns: Mapping[str, Any]) -> FloatArray:
        """(n_items,) cosine of one item with every item of the bundle."""
        vector = self.words.vectors([columns])[:, : self.words.rows.shape[1]]
        return np.asarray((self.words.rows @ vector.T).todense()).ravel().astype(np.float32)


def _of_length_1(weight: FloatArray, columns: list[int], starts: list[int]) -> csr_array:
    """(n, len(weight)) rows that have these terms."""
    indices, ends = np.array(columns, np.int32), np.array(starts, np.int64)
    rows = csr_array((weight[indices], indices, ends), shape=(len(starts) - 1, len(weight)))
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(np.maximum(length, 1e-12), np.diff(ends)).astype(np.float32)
    return rows
