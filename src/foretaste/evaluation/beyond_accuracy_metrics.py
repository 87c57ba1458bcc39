"""Beyond accuracy, measured on the very lists that accuracy is measured on."""

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
"""Places that are looked at: the first screen."""
CATEGORY_COLUMNS = ("genres", "genre", "categories", "category", "class", "type", "topics", "topic")
"""Columns of a catalogue that say what an item is, the best first."""
MAX_CATEGORIES = 500
SEPARATOR = r"[|;,>]"
METRIC_DESCRIPTIONS = {
    "coverage": "share of the catalogue offered to at least one person",
    "gini": "how unevenly the items are offered: 0 all alike, 1 one takes all",
    "diversity": "distance between the items of a list",
    "novelty": "surprise of the offered items, in bits",
    "serendipity": "what pleased and popularity would not have offered",
    "popularity": "mean popularity percentile of the offered items: 0.5 is even",
    "tail": "share of the list outside the short head that takes 80 % of all events",
    "miscalibration": "distance of the list's mix of categories from the person's: 0 is perfect",
}
HIGHER_IS_BETTER = {"coverage": True, "gini": False, "diversity": True, "novelty": True, "serendipity": True}
"""Those with a better side that nobody disputes; miscalibration is better low."""


@dataclass(frozen=True, eq=False)
class TrainingStatistics:
    """What the lists are held against, all of it from the training part.

    popularity : (n_items,) float32 wanted events per item
    is_tail    : (n_items,) outside the head that has 80 % of the events
    vectors    : (n_items, D) CSR, how items differ: by their categories, or by who took them
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
        """The measures that have one value per user."""
        always = ("novelty", "popularity", "tail", "diversity", "serendipity")
        return tuple(f"{name}@{K}" for name in (*always, *(() if self.categories is None else ("miscalibration",))))

    def measure(self, items: IntArray, queries: Queries, relevant: csr_array) -> dict[str, NDArray[np.float64]]:
        """One value per user and measure of `names`, on the first K places."""
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
    """The column that says what items are, and (n_items, G) CSR of 1 where an item is of a class.

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
