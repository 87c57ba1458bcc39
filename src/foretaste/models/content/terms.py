"""What items say of themselves as words and whole labels: by these an item that no model has read yet can be judged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
import polars.selectors as cs
from scipy.sparse import csr_array

from foretaste.errors import BundleError
from foretaste.models.saving import read_model, sparse_arrays, sparse_matrix, write_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from foretaste.config import Config
    from foretaste.data.items import ItemTable
    from foretaste.types import FloatArray, IntArray

WORD = re.compile(r"\w+")
MAX_WORDS = 50
"""Words read of one text: the first say what it is."""
TERMS = "terms.json"


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


def columns_of(items: ItemTable, start: int = 0) -> list[dict[str, Any]]:
    """What is known of each item from the code `start` on, by column."""
    frame = items.frame[start:]
    binary = [name for name, dtype in frame.schema.items() if dtype == pl.Binary]
    frame = frame.drop(binary)
    if any(dtype.is_temporal() for dtype in frame.dtypes):
        frame = frame.with_columns(cs.temporal().cast(pl.String))
    return frame.rows(named=True)


class CatalogueTerms:
    """tf-idf over the terms of a catalogue (Salton & Buckley 1988): a term counts log(n / how many items have it).

    Unlike `Tfidf` it counts labels as a whole, and terms of new items that the catalogue does not have.

    rows : (n_items, n_terms) float32, each of length 1, 0 where an item says nothing
    """

    def __init__(self, code: dict[str, int], weight: FloatArray, rows: csr_array) -> None:
        self._code = code
        self._weight = weight
        self.rows = rows

    @classmethod
    def of_columns(cls, items: Iterable[Mapping[str, Any]]) -> Self:
        code: dict[str, int] = {}
        columns: list[int] = []
        starts = [0]
        for item in items:
            columns += [code.setdefault(term, len(code)) for term in sorted(terms(item))]
            starts.append(len(columns))
        n = len(starts) - 1
        seen = np.bincount(np.array(columns, np.int32), minlength=len(code))
        weight = np.log((1 + n) / np.maximum(seen, 1)).astype(np.float32)
        return cls(code, weight, _of_length_1(weight, columns, starts))

    @classmethod
    def of(cls, items: ItemTable) -> Self:
        """Of a whole catalogue; an item without a title has its id for one."""
        title = items.title or "title"
        rows = columns_of(items) if items.frame.width else [{} for _ in range(len(items))]
        return cls.of_columns({**row, title: text} for text, row in zip(items.titles(), rows, strict=True))

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
        n = self.rows.shape[0]
        rare = np.float32(np.log(1 + n) if n else 1.0)
        return _of_length_1(np.concatenate([self._weight, np.full(len(new), rare, np.float32)]), columns, starts)

    def like(self, vector: csr_array) -> FloatArray:
        """(n_items,) cosine of one item (1, ≥ n_terms) with every item of the catalogue."""
        vector = vector[:, : self.rows.shape[1]]
        return np.asarray((self.rows @ vector.T).todense()).ravel().astype(np.float32)

    def likeness(self, new: csr_array, items: IntArray, weight: FloatArray) -> FloatArray:
        """(m,) cosine of each new item with a history.

        new    : (m, ≥ n_terms) of `vectors`, the next codes behind the catalogue
        items  : (H,) codes of what somebody did, new items too
        weight : (H,) how loudly each speaks
        """
        n, known = self.rows.shape
        profile = np.zeros(new.shape[1], np.float32)
        early = items < n
        profile[:known] = self.rows[items[early]].T @ weight[early]
        if not early.all():
            profile += new[items[~early] - n].T @ weight[~early]
        length = float(np.linalg.norm(profile))
        return np.asarray(new @ profile).ravel().astype(np.float32) / (length or 1.0)

    def save(self, folder: Path | str, config: Config) -> None:
        write_model(folder, config, {**sparse_arrays("rows", self.rows), "weight": self._weight})
        Path(folder, TERMS).write_text(json.dumps(list(self._code), ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str, config_class: type[Config]) -> Self:
        _, arrays = read_model(folder, config_class)
        try:
            known = json.loads(Path(folder, TERMS).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BundleError(f"The words in {folder} cannot be read ({error}); train again.") from error
        weight = arrays["weight"].astype(np.float32, copy=False)
        return cls({term: code for code, term in enumerate(known)}, weight, sparse_matrix("rows", arrays))


def _of_length_1(weight: FloatArray, columns: list[int], starts: list[int]) -> csr_array:
    """(n, len(weight)) rows that have these terms."""
    indices, ends = np.array(columns, np.int32), np.array(starts, np.int64)
    rows = csr_array((weight[indices], indices, ends), shape=(len(starts) - 1, len(weight)))
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(np.maximum(length, 1e-12), np.diff(ends)).astype(np.float32)
    return rows
