"""Popularity among users with the same attributes: lists for new users of whom only attributes are known.

Naive Bayes over the columns of the user table (Domingos & Pazzani, Machine Learning 1997). A Dirichlet prior shrinks
each value towards overall popularity, so that a rare value has little influence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import Field, PositiveFloat
from scipy.sparse import csr_array

from foretaste.config import Config
from foretaste.errors import DataError
from foretaste.features.columns import ColumnsConfig, ColumnVectors
from foretaste.features.query_columns import query_column_vectors
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.saving import fitted, read_model, sparse_arrays, sparse_matrix, write_model
from foretaste.types import NO_ITEM, Candidates

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.features.columns import Column
    from foretaste.types import BoolArray, FloatArray, IntArray, Queries, Ragged, Run

COLUMNS = "columns.json"


class DemographicConfig(Config):
    """Settings of `demographic`."""

    shrinkage: PositiveFloat = 1_000.0
    """Strength of the Dirichlet prior, in events: the larger, the less a rare value counts."""
    weight: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Weight of the columns relative to popularity. 1 is right for independent columns; correlated ones (age and
    occupation) need less."""
    read: ColumnsConfig = ColumnsConfig(least_rows=20)
    """Which columns are read, and how. A value of fewer than `least_rows` users is not learned: it would help few and
    could reveal what those few did."""


class Demographic:
    """score(i) = log p(i) + weight · Σ_v x(v) · log(p(i | v) / p(i)), over the values v of the user's columns.

    p(i)     : share of item i in all positive events
    p(i | v) = (n(i, v) + shrinkage · p(i)) / (n(v) + shrinkage), n counting events of users with the value v
    x(v)     : 1 for a category the user has; for a number between two quantiles, interpolation weights that sum to
               about 1; 0 for unknown values

    Users without any known column get no recommendations. The model holds aggregate counts only, no user's data.

    columns        : the encoding of the columns, V values in all
    log_popularity : (n_items,) float32, log p(i)
    lift           : (V, n_items) CSR float32, log(1 + n(i, v) / (shrinkage · p(i))): the part that is 0 for most items
    base           : (V,) float32, log(shrinkage / (n(v) + shrinkage)): the rest, the same for all items
    """

    config_class = DemographicConfig
    grid = tuple(
        DemographicConfig(shrinkage=shrinkage, weight=weight)
        for shrinkage in (1_000.0, 10_000.0, 100_000.0)
        for weight in (0.3, 1.0)
    )
    columns: ColumnVectors | None = None
    log_popularity: FloatArray
    lift: csr_array
    base: FloatArray

    def __init__(self, config: DemographicConfig | None = None) -> None:
        self.config = config or DemographicConfig()

    def fit(self, train: Dataset, run: Run) -> Self:
        """Raises DataError where the data has no user columns."""
        if train.user_table is None or train.user_table.width < 2:
            raise DataError("The model 'demographic' reads columns of people, and this data has none; leave it out.")
        interactions = train.matrix()  # (n_users, n_items)
        has_events = np.diff(interactions.indptr) > 0  # nothing is fitted on others, not even which values exist
        users = np.flatnonzero(has_events).astype(np.int32)
        columns = ColumnVectors.fit(train.user_table.drop("user"), self.config.read, has_events)
        x = csr_array(query_column_vectors(train.columns_of(users), columns, len(users)))
        counts = csr_array(x.T @ interactions[users])  # (V, n_items)
        popularity = np.asarray(interactions.sum(axis=0)).ravel() + 0.5  # add-½ smoothing: no item has probability 0
        share = popularity / max(popularity.sum(), 1.0)
        s = self.config.shrinkage
        per_value = np.asarray(counts.sum(axis=1)).ravel()
        counts.data = np.log1p(counts.data / (s * share[counts.indices])).astype(np.float32)
        self.columns, self.lift = columns, counts.astype(np.float32)
        self.log_popularity = np.log(share).astype(np.float32)
        self.base = np.log(s / (per_value + s)).astype(np.float32)
        return self

    @property
    def columns_read(self) -> frozenset[str]:
        """Names of the user columns that the model reads."""
        return frozenset(column.name for column in fitted(self.columns, self).columns)

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        if not self.columns_read & set(queries.columns):
            no_scores = np.full((len(queries), k), np.nan, np.float32)
            return Candidates.of_one_source(np.full(no_scores.shape, NO_ITEM, np.int32), no_scores, "demographic")
        n = len(self.log_popularity)
        return recommend_in_blocks(self._score_all, queries, k, n, "demographic", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        x = self._x(queries)  # (B, V)
        if not x.any():
            return np.full(items.shape, np.nan, np.float32)
        return score_in_blocks(self._score_all, queries, items, len(self.log_popularity))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for queries without any known value."""
        x = self._x(queries)
        scores: FloatArray = (csr_array(self.config.weight * x) @ self.lift).toarray()
        scores += self.log_popularity + self.config.weight * (x @ self.base)[:, None]
        scores[~x.any(axis=1)] = np.nan
        return scores

    def _x(self, queries: Queries) -> FloatArray:
        return query_column_vectors(queries.columns, fitted(self.columns, self), len(queries))

    def because_of_columns(self, queries: Queries, items: IntArray) -> list[list[tuple[str, float]]]:
        """For the single query in `queries`, the columns with a positive contribution to each item's score.

        items   : (K,)
        returns : for each item (description such as 'occupation student', share of the positive contributions),
                  largest first
        """
        x, learned = self._x(queries)[0], fitted(self.columns, self)
        values = np.flatnonzero(x)
        contribution = x[values, None] * (self.lift[values][:, items].toarray() + self.base[values, None])  # (v, K)
        of_column = np.repeat(np.arange(len(learned.columns)), [column.width for column in learned.columns])[values]
        by_column = np.zeros((len(learned.columns), len(items)))
        np.add.at(by_column, of_column, contribution)
        by_column = np.maximum(by_column, 0)
        shares = by_column / np.maximum(by_column.sum(axis=0), 1e-12)
        descriptions = [
            _describe(column, queries.columns[column.name][0]) if c in of_column else ""
            for c, column in enumerate(learned.columns)
        ]
        order = np.argsort(-by_column, axis=0, kind="stable")
        return [
            [(descriptions[c], float(shares[c, k])) for c in order[:, k].tolist() if by_column[c, k] > 0]
            for k in range(len(items))
        ]

    def save(self, folder: Path | str) -> None:
        columns = fitted(self.columns, self)
        arrays = {"log_popularity": self.log_popularity, "base": self.base}
        write_model(folder, self.config, {**arrays, **sparse_arrays("lift", self.lift)})
        Path(folder, COLUMNS).write_text(columns.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(folder, DemographicConfig)
        model = cls(config)
        model.columns = ColumnVectors.from_json(Path(folder, COLUMNS).read_text(encoding="utf-8"))
        model.log_popularity = arrays["log_popularity"].astype(np.float32, copy=False)
        model.base = arrays["base"].astype(np.float32, copy=False)
        model.lift = sparse_matrix("lift", arrays)
        return model


def _describe(column: Column, value: Any) -> str:
    """'occupation student', 'age near 24'."""
    if column.kind in ("category", "labels"):
        parts = value if isinstance(value, list) else [value]
        return f"{column.name} {', '.join(str(part) for part in parts)}"
    return f"{column.name} near {value}"
