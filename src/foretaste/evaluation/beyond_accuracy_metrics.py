"""Beyond-accuracy metrics (coverage, diversity, novelty, ...), computed on the same lists as accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.metrics import beyond_accuracy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import BoolArray, FloatArray, IntArray, Queries

K = 10
"""List positions that beyond-accuracy metrics look at: the first screen."""
CATEGORY_COLUMNS = ("genres", "genre", "categories", "category", "class", "type", "topics", "topic")
"""Catalogue columns that may hold categories, in order of preference."""
MAX_CATEGORIES = 500
SEPARATOR = r"[|;,>]"
METRIC_DESCRIPTIONS = {
    "coverage": "share of the catalogue recommended to at least one user",
    "gini": "how unevenly items are recommended: 0 evenly, 1 always the same item",
    "diversity": "mean distance between the items of a list",
    "novelty": "self-information of the recommended items, in bits",
    "serendipity": "relevant items that popularity would not have recommended",
    "popularity": "mean popularity percentile of the recommended items: 0.5 is neutral",
    "tail": "share of the list outside the short head that takes 80 % of all events",
    "miscalibration": "distance of the list's mix of categories from the user's: 0 is perfect",
}
HIGHER_IS_BETTER = {"coverage": True, "gini": False, "diversity": True, "novelty": True, "serendipity": True}
"""Metrics with an undisputed direction; for miscalibration lower is better."""


@dataclass(frozen=True, eq=False)
class TrainingStatistics:
    """Statistics of the training part that beyond-accuracy metrics need.

    popularity : (n_items,) float32 events of positive weight per item
    is_tail    : (n_items,) outside the head that has 80 % of the events
    vectors    : (n_items, D) CSR, how items differ: by their categories, or by the users who have them
    distance   : what `vectors` are, in words
    categories    : (n_items, G) CSR, or None where the catalogue has no column of categories
    """

    popularity: FloatArray
    is_tail: BoolArray
    vectors: csr_array
    distance: str
    categories: csr_array | None
    weights: FloatArray

    @classmethod
    def of(cls, train: Dataset) -> TrainingStatistics:
        wanted = train.kinds.weights[train.kind] > 0
        popularity = np.bincount(train.item[wanted], minlength=train.n_items).astype(np.float32)
        found = item_categories(train.items)
        vectors = csr_array(train.matrix().T) if found is None else found[1]
        return cls(
            popularity=popularity,
            is_tail=beyond_accuracy.long_tail(popularity),
            vectors=vectors,
            distance="who took them" if found is None else found[0],
            categories=None if found is None else found[1],
            weights=train.kinds.weights,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The Metrics that have one value per user."""
        always = ("novelty", "popularity", "tail", "diversity", "serendipity")
        return tuple(f"{name}@{K}" for name in (*always, *(() if self.categories is None else ("miscalibration",))))

    def measure(self, items: IntArray, queries: Queries, relevant: csr_array) -> dict[str, NDArray[np.float64]]:
        """One value per user and metric of `names`, over the first K positions."""
        first = items[:, :K]
        values = [
            beyond_accuracy.novelty(first, self.popularity),
            beyond_accuracy.popularity_bias(first, self.popularity),
            beyond_accuracy.tail_share(first, self.is_tail),
            beyond_accuracy.intra_list_diversity(first, self.vectors),
            beyond_accuracy.serendipity(first, relevant, self.popularity),
        ]
        if self.categories is not None:
            taste = interaction_matrix(queries.history, len(self.popularity), self.weights)
            values.append(beyond_accuracy.miscalibration(first, taste, self.categories))
        return dict(zip(self.names, values, strict=True))


def item_categories(items: ItemTable) -> tuple[str, csr_array] | None:
    """The column with categories; it says what items are, and (n_items, G) CSR of 1 where an item is of a class.

    A column counts when at least half of the items have a class and there is more than one; of very many categories the
    `MAX_CATEGORIES` most frequent are kept.
    """
    for name in CATEGORY_COLUMNS:
        if name not in items.frame.columns:
            continue
        column = items.frame[name]
        if column.dtype == pl.String:
            column = column.str.replace_all(SEPARATOR, "|").str.split("|")
        elif column.dtype != pl.List(pl.String):
            continue
        rows = pl.DataFrame({"item": np.arange(len(items), dtype=np.int64), "name": column}).explode("name")
        rows = rows.with_columns(pl.col("name").str.strip_chars()).filter(pl.col("name").str.len_chars() > 0).unique()
        if rows["item"].n_unique() * 2 < len(items) or rows["name"].n_unique() < 2:
            continue
        kept = (
            rows["name"].value_counts().sort(["count", "name"], descending=[True, False]).head(MAX_CATEGORIES)["name"]
        )
        number = {word: column for column, word in enumerate(kept.to_list())}
        rows = rows.filter(pl.col("name").is_in(kept.implode()))
        codes = rows["name"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
        ones = np.ones(len(rows), np.float32)
        return name, csr_array((ones, (rows["item"].to_numpy(), codes)), shape=(len(items), len(kept)))
    return None
