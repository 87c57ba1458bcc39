"""Labels a new person may say they like: those that split the catalogue best, and the items that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl
from scipy.sparse import csc_array, csr_array

from foretaste.data.parsing.numbers import number
from foretaste.errors import DataError, did_you_mean
from foretaste.features.columns import LABELS, guessed_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foretaste.data.items import ItemTable
    from foretaste.types import BoolArray, FloatArray, IntArray, LongArray

SPLIT = 5_000
"""Most popular items that the labels are to split; the rest is hardly ever taken."""
MOST_LABELS = 200
"""Labels looked at, those that split best when asked alone."""
ASKED = 8
"""Labels by which columns are compared."""
NAMED = 20
"""Labels named to somebody who asked for one that nothing has."""
WORD = r"\p{L}"


@dataclass(frozen=True, eq=False)
class Labels:
    """names      : L labels, sorted
    carriers   : (n_items, L) CSC, 1 where an item has the label
    popularity : (n_items,) how much people take each item; never negative
    """

    names: list[str]
    carriers: csc_array
    popularity: FloatArray

    @classmethod
    def of(cls, lists: pl.Series, popularity: FloatArray) -> Self:
        """lists : (n_items,) List(String), null or empty where nothing is known"""
        item = pl.int_range(len(lists), eager=True, dtype=pl.Int32)
        pairs = pl.DataFrame([item.alias("item"), lists.alias("label")]).explode("label", empty_as_null=True)
        pairs = pairs.filter(pl.col("label").str.len_bytes() > 0).unique()
        names = pairs["label"].unique().sort()
        label = pairs["label"].cast(pl.Enum(names)).to_physical().to_numpy()
        ones = np.ones(len(pairs), np.float32)
        carriers = csc_array((ones, (pairs["item"].to_numpy(), label)), shape=(len(lists), len(names)))
        return cls(names.to_list(), carriers, np.maximum(popularity, 0))

    @cached_property
    def code_of(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.names)}

    @cached_property
    def place(self) -> LongArray:
        """(n_items,) of each item among all, 0 for the most popular."""
        order = np.argsort(-self.popularity, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        return place

    @cached_property
    def split(self) -> tuple[csr_array, NDArray[np.float64]]:
        """The labels of the N items to split, (N, L), and how much people take each; sums to 1 where they take any."""
        first = np.sort(np.argsort(self.place)[:SPLIT])
        weight = self.popularity[first].astype(np.float64)
        return csr_array(self.carriers)[first], weight / max(float(weight.sum()), 1e-12)

    def codes(self, labels: Sequence[str]) -> list[int]:
        """Each once, in the order asked; DataError names the first that nothing has."""
        if unknown := [label for label in labels if label not in self.code_of]:
            taken = self.carriers.T @ self.popularity
            common = [self.names[code] for code in np.argsort(-taken, kind="stable")[:NAMED]]
            raise DataError(f"No item has the label '{unknown[0]}'.{did_you_mean(unknown[0], common)}")
        return [self.code_of[label] for label in dict.fromkeys(labels)]

    def history(
        self, chosen: Sequence[str], per_label: int = 3, allowed: BoolArray | None = None
    ) -> tuple[IntArray, list[list[str]]]:
        """Items that somebody who likes these labels might have taken, the best last, and for which labels each stands.

        Of each label the `per_label` items that have most of the chosen ones, the most popular first among equals.

        allowed : (n_items,) the only items that may stand for anything
        """
        columns = [self._carriers(code, allowed) for code in self.codes(chosen)]
        n = self.carriers.shape[0]
        matching = np.bincount(np.concatenate(columns), minlength=n) if columns else np.zeros(n, np.int64)
        found: dict[int, list[str]] = {}
        for label, items in zip(dict.fromkeys(chosen), columns, strict=True):
            last = self.place[items] - matching[items] * n  # the smaller, the better; no two are equal
            best = np.argpartition(last, per_label)[:per_label] if len(items) > per_label else np.arange(len(items))
            for item in items[best[np.argsort(last[best])]].tolist():
                found.setdefault(item, []).append(label)
        return np.array(list(found)[::-1], np.int32), list(found.values())[::-1]

    def _carriers(self, code: int, allowed: BoolArray | None) -> IntArray:
        items: IntArray = self.carriers.indices[self.carriers.indptr[code] : self.carriers.indptr[code + 1]]
        return items if allowed is None else items[allowed[items]]

    def splitting(self, n: int, chosen: Sequence[str] = ()) -> tuple[list[str], float]:
        """(≤ n,) further labels, the most telling first, and the bits that they tell together with those chosen before.

        Each next label adds most to the entropy of the parts into which all of them cut what people take, so that
        neither a label nearly everything has, nor one nearly nothing has, nor one that says the same again is asked
        for.
        """
        rows, weight = self.split
        if not weight.any() or not self.names:
            return [], 0.0
        part = np.zeros(len(weight), np.int64)
        for code in self.codes(chosen):
            part = np.unique(2 * part + rows[:, [code]].toarray().ravel().astype(np.int64), return_inverse=True)[1]
        told = float(_bits(np.bincount(part, weight)[:, None].astype(np.float64))[0])
        share = np.asarray(rows.T @ weight)
        usable = (share > 0) & (share < 1 - 1e-9) & ~np.isin(self.names, list(chosen))
        alone = np.where(usable, _bits(np.stack([share, 1 - share])), -1.0)
        looked_at = np.sort(np.argsort(-alone, kind="stable")[: min(MOST_LABELS, int(usable.sum()))])
        table = rows[:, looked_at].toarray()
        found: list[str] = []
        while len(found) < n:
            bits = self._together(part, weight, table)
            best = int(np.argmax(np.round(bits, 9))) if len(bits) else 0
            if not len(bits) or bits[best] <= told + 1e-9:
                break  # every further label follows from the chosen ones
            told = float(bits[best])
            part = np.unique(2 * part + table[:, best].astype(np.int64), return_inverse=True)[1]
            found.append(self.names[looked_at[best]])
        return found, told

    def common(self, n: int, without: Sequence[str] = ()) -> list[str]:
        """(≤ n,) labels of what people take most, but none that all of that has."""
        rows, weight = self.split
        share = np.asarray(rows.T @ weight)
        order = np.argsort(-share, kind="stable")
        told = (self.names[code] for code in order.tolist() if 0 < share[code] < 1 - 1e-9)
        return list(islice((name for name in told if name not in without), n))

    @staticmethod
    def _together(part: LongArray, weight: NDArray[np.float64], table: FloatArray) -> NDArray[np.float64]:
        """(L,) the entropy of the parts when each of the labels cuts them once more."""
        parts = int(part.max()) + 1
        of_part = csr_array((weight, (part, np.arange(len(part)))), shape=(parts, len(part)))
        carried = of_part @ table.astype(np.float64)  # (P, L)
        return _bits(np.concatenate([carried, np.asarray(of_part.sum(axis=1))[:, None] - carried]))


def column_of_labels(items: ItemTable, popularity: FloatArray, column: str | None = None) -> tuple[str, Labels] | None:
    """The column of a catalogue whose labels people may say they like, and these; None where there is none.

    column : by name; else, of the columns of several labels each, the one whose best labels split best what people
             take, and of the columns of one category where there are none
    """
    if column is not None:
        if column not in items.frame.columns:
            known = ", ".join(items.frame.columns) or "none"
            raise DataError(f"The catalogue has no column '{column}'. It has: {known}.")
        return column, Labels.of(_lists(items.frame[column]), popularity)
    kinds = {name: guessed_kind(items.frame[name]) for name in items.text_columns() if name != items.title}
    found: tuple[str, Labels] | None = None
    for kind in ("labels", "category"):
        columns = {
            name: Labels.of(_lists(items.frame[name]), popularity)
            for name, is_kind in kinds.items()
            if is_kind == kind and _has_words(items.frame[name])
        }
        bits = {name: labels.splitting(ASKED)[1] for name, labels in columns.items()}
        best = max(bits, key=lambda name: bits[name], default=None)
        if best is not None and (found is None or bits[best] > 0):
            found = best, columns[best]
            if bits[best] > 0:
                break
    return found


def _lists(column: pl.Series) -> pl.Series:
    """As List(String): 'Drama|War' is two labels where a column of texts holds such."""
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    words = column.cast(pl.String)
    if guessed_kind(column) == "labels":
        return words.str.replace_all(LABELS, "|").str.split("|").list.eval(pl.element().str.strip_chars())
    return words.to_frame("one").select(pl.concat_list("one")).to_series()


def _has_words(column: pl.Series) -> bool:
    """Years and codes written as texts are nothing that people like."""
    values = _lists(column).explode(empty_as_null=True).drop_nulls()
    return len(values) > 0 and number(values.str.contains(WORD).mean()) > 0.5


def _bits(mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L,) entropy of each column of masses (P, L), which sum to 1; what rounding left below 0 is 0."""
    mass = np.maximum(mass, 0)
    return -(mass * np.log2(np.where(mass > 0, mass, 1))).sum(axis=0)
