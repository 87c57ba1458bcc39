"""Preference elicitation by labels: the most informative labels to ask a new user for, and stand-in items for them."""

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

MAX_ITEMS = 5_000
"""How many of the most popular items the labels should partition; the rest has few events."""
MAX_LABELS = 200
"""How many labels are considered: those with the highest entropy alone."""
COMPARED_LABELS = 8
"""How many labels of each column are used to compare columns."""
SUGGESTED_LABELS = 20
"""How many labels are considered as a suggestion for an unknown one."""
WORD = r"\p{L}"


@dataclass(frozen=True, eq=False)
class Labels:
    """
    names      : L labels, sorted
    membership : (n_items, L) CSC float32, 1 where an item has the label
    popularity : (n_items,) float32 popularity of each item, at least 0
    """

    names: list[str]
    membership: csc_array
    popularity: FloatArray

    @classmethod
    def of(cls, lists: pl.Series, popularity: FloatArray) -> Self:
        """lists : (n_items,) List(String), null or empty for items without labels"""
        item = pl.int_range(len(lists), eager=True, dtype=pl.Int32)
        pairs = pl.DataFrame([item.alias("item"), lists.alias("label")]).explode("label", empty_as_null=True)
        pairs = pairs.filter(pl.col("label").str.len_bytes() > 0).unique()
        names = pairs["label"].unique().sort()
        label = pairs["label"].cast(pl.Enum(names)).to_physical().to_numpy()
        ones = np.ones(len(pairs), np.float32)
        membership = csc_array((ones, (pairs["item"].to_numpy(), label)), shape=(len(lists), len(names)))
        return cls(names.to_list(), membership, np.maximum(popularity, 0))

    @cached_property
    def code_of(self) -> dict[str, int]:
        """Label to code, its position in `names`."""
        return {name: code for code, name in enumerate(self.names)}

    @cached_property
    def rank(self) -> LongArray:
        """(n_items,) int64 popularity rank of each item, 0 for the most popular."""
        order = np.argsort(-self.popularity, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return rank

    @cached_property
    def popular_items(self) -> tuple[csr_array, NDArray[np.float64]]:
        """(N, L) CSR labels of the N most popular items, and (N,) their popularity, which sums to 1 or is all 0."""
        first = np.sort(np.argsort(self.rank)[:MAX_ITEMS])
        weight = self.popularity[first].astype(np.float64)
        return csr_array(self.membership)[first], weight / max(float(weight.sum()), 1e-12)

    def codes(self, labels: Sequence[str]) -> list[int]:
        """Codes of the distinct labels in their order; DataError for a label that no item has."""
        if unknown := [label for label in labels if label not in self.code_of]:
            label_popularity = self.membership.T @ self.popularity
            common = [self.names[code] for code in np.argsort(-label_popularity, kind="stable")[:SUGGESTED_LABELS]]
            raise DataError(f"No item has the label '{unknown[0]}'.{did_you_mean(unknown[0], common)}")
        return [self.code_of[label] for label in dict.fromkeys(labels)]

    def stand_in_items(
        self, chosen: Sequence[str], per_label: int = 3, allowed: BoolArray | None = None
    ) -> tuple[IntArray, list[list[str]]]:
        """A pseudo-history for chosen labels: int32 item codes, the best last, and the labels each stands in for.

        For each label the `per_label` items with most of the chosen labels, ties broken by popularity.

        allowed : (n_items,) the only items that may be used
        raises  : DataError for a label that no item has
        """
        columns = [self._items_with(code, allowed) for code in self.codes(chosen)]
        n = self.membership.shape[0]
        matching = np.bincount(np.concatenate(columns), minlength=n) if columns else np.zeros(n, np.int64)
        labels_of: dict[int, list[str]] = {}
        for label, items in zip(dict.fromkeys(chosen), columns, strict=True):
            key = self.rank[items] - matching[items] * n  # the smaller, the better; no two are equal
            best = np.argpartition(key, per_label)[:per_label] if len(items) > per_label else np.arange(len(items))
            for item in items[best[np.argsort(key[best])]].tolist():
                labels_of.setdefault(item, []).append(label)
        return np.array(list(labels_of)[::-1], np.int32), list(labels_of.values())[::-1]

    def _items_with(self, code: int, allowed: BoolArray | None) -> IntArray:
        items: IntArray = self.membership.indices[self.membership.indptr[code] : self.membership.indptr[code + 1]]
        return items if allowed is None else items[allowed[items]]

    def most_informative(self, n: int, chosen: Sequence[str] = ()) -> tuple[list[str], float]:
        """(≤ n,) further labels, the most informative first, and their joint entropy in bits, with the chosen labels.

        Greedy: each next label adds most to the entropy of the partition of the popular items by all labels, weighted
        by popularity. This excludes labels of almost all items, of almost none, and redundant ones.

        raises : DataError for a chosen label that no item has
        """
        rows, weight = self.popular_items
        if not weight.any() or not self.names:
            return [], 0.0
        part = np.zeros(len(weight), np.int64)
        for code in self.codes(chosen):
            part = np.unique(2 * part + rows[:, [code]].toarray().ravel().astype(np.int64), return_inverse=True)[1]
        entropy = float(_bits(np.bincount(part, weight)[:, None].astype(np.float64))[0])
        share = np.asarray(rows.T @ weight)
        usable = (share > 0) & (share < 1 - 1e-9) & ~np.isin(self.names, list(chosen))
        alone = np.where(usable, _bits(np.stack([share, 1 - share])), -1.0)
        considered = np.sort(np.argsort(-alone, kind="stable")[: min(MAX_LABELS, int(usable.sum()))])
        table = rows[:, considered].toarray()
        picked: list[str] = []
        while len(picked) < n:
            bits = self._joint_entropy(part, weight, table)
            best = int(np.argmax(np.round(bits, 9))) if len(bits) else 0
            if not len(bits) or bits[best] <= entropy + 1e-9:
                break  # every further label follows from the chosen ones
            entropy = float(bits[best])
            part = np.unique(2 * part + table[:, best].astype(np.int64), return_inverse=True)[1]
            picked.append(self.names[considered[best]])
        return picked, entropy

    def common(self, n: int, without: Sequence[str] = ()) -> list[str]:
        """(≤ n,) labels by popularity of their items, without those that all popular items have."""
        rows, weight = self.popular_items
        share = np.asarray(rows.T @ weight)
        order = np.argsort(-share, kind="stable")
        by_share = (self.names[code] for code in order.tolist() if 0 < share[code] < 1 - 1e-9)
        return list(islice((name for name in by_share if name not in without), n))

    @staticmethod
    def _joint_entropy(part: LongArray, weight: NDArray[np.float64], table: FloatArray) -> NDArray[np.float64]:
        """(L,) the entropy of the partition `part` refined by each of L labels; table is (N, L)."""
        parts = int(part.max()) + 1
        of_part = csr_array((weight, (part, np.arange(len(part)))), shape=(parts, len(part)))
        with_label = of_part @ table.astype(np.float64)  # (P, L)
        return _bits(np.concatenate([with_label, np.asarray(of_part.sum(axis=1))[:, None] - with_label]))


def column_of_labels(items: ItemTable, popularity: FloatArray, column: str | None = None) -> tuple[str, Labels] | None:
    """The name of the column to elicit preferences by, and its labels; None where the catalogue has none.

    column : the name; None chooses, among columns with several labels per item, the one whose most informative labels
             have the highest entropy, or else among columns with one category per item
    raises : DataError where there is no column of that name
    """
    if column is not None:
        if column not in items.frame.columns:
            known = ", ".join(items.frame.columns) or "none"
            raise DataError(f"The catalogue has no column '{column}'. It has: {known}.")
        return column, Labels.of(_lists(items.frame[column]), popularity)
    kinds = {name: guessed_kind(items.frame[name]) for name in items.text_columns() if name != items.title}
    chosen: tuple[str, Labels] | None = None
    for kind in ("labels", "category"):
        columns = {
            name: Labels.of(_lists(items.frame[name]), popularity)
            for name, is_kind in kinds.items()
            if is_kind == kind and _has_words(items.frame[name])
        }
        bits = {name: labels.most_informative(COMPARED_LABELS)[1] for name, labels in columns.items()}
        best = max(bits, key=lambda name: bits[name], default=None)
        if best is not None and (chosen is None or bits[best] > 0):
            chosen = best, columns[best]
            if bits[best] > 0:
                break
    return chosen


def _lists(column: pl.Series) -> pl.Series:
    """The column as List(String); 'Drama|War' becomes two labels where the column is one of labels."""
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    words = column.cast(pl.String)
    if guessed_kind(column) == "labels":
        return words.str.replace_all(LABELS, "|").str.split("|").list.eval(pl.element().str.strip_chars())
    return words.to_frame("one").select(pl.concat_list("one")).to_series()


def _has_words(column: pl.Series) -> bool:
    """Whether most values contain letters: years and codes written as texts are no labels to like."""
    values = _lists(column).explode(empty_as_null=True).drop_nulls()
    return len(values) > 0 and number(values.str.contains(WORD).mean()) > 0.5


def _bits(mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L,) entropy in bits of each column of (P, L) probabilities; rounding errors below 0 count as 0."""
    mass = np.maximum(mass, 0)
    return -(mass * np.log2(np.where(mass > 0, mass, 1))).sum(axis=0)
