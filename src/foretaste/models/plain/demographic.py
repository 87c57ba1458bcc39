"""What people who say the same of themselves wanted: lists for somebody of whom only columns are known.

Naive Bayes over the columns of people (Domingos & Pazzani, Machine Learning 1997), each value drawn towards what
everybody wants by a Dirichlet prior, so that a value few people have says little.
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
    shrinkage: PositiveFloat = 1_000.0
    """Events of everybody that are mixed into those of each value: the larger, the less a rare value says."""
    weight: Annotated[float, Field(gt=0, le=1)] = 0.3
    """How loudly the columns speak beside what is popular. 1 is right where they have nothing to do with one another;
    columns that say the same twice (age and occupation) need less."""
    read: ColumnsConfig = ColumnsConfig(least_rows=20)
    """Which columns are read, and how. A value fewer than `least_rows` people have is not learned: it would say little
    of a newcomer and much of those few."""


class Demographic:
    """score(i) = log p(i) + weight · Σ_v x(v) · log(p(i | v) / p(i)), over the values v the person has.

    p(i)     : share of item i in all wanted events
    p(i | v) = (n(i, v) + shrinkage · p(i)) / (n(v) + shrinkage), n counting events of people with the value v
    x(v)     : how much the person has the value: 1 for a category, shares that sum to about 1 for a number between two
               quantiles; 0 where nothing is known

    Of somebody without any known column it says nothing. It keeps counts of values, and of nobody in particular.

    columns        : the values that were learned
    log_popularity : (n_items,) float32, log p(i)
    lift           : (V, n_items) float32, log(1 + n(i, v) / (shrinkage · p(i))): the part that is 0 for most items
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
        if train.user_table is None or train.user_table.width < 2:
            raise DataError("The model 'demographic' reads columns of people, and this data has none; leave it out.")
        wanted = train.matrix()  # (n_users, n_items)
        met = np.diff(wanted.indptr) > 0  # of others nothing is learned, not even what values there are
        people = np.flatnonzero(met).astype(np.int32)
        columns = ColumnVectors.fit(train.user_table.drop("user"), self.config.read, met)
        x = csr_array(query_column_vectors(train.columns_of(people), columns, len(people)))
        counts = csr_array(x.T @ wanted[people])  # (V, n_items)
        popularity = np.asarray(wanted.sum(axis=0)).ravel() + 0.5  # nobody's item is unlikely, not impossible
        share = popularity / max(popularity.sum(), 1.0)
        s = self.config.shrinkage
        of_value = np.asarray(counts.sum(axis=1)).ravel()
        counts.data = np.log1p(counts.data / (s * share[counts.indices])).astype(np.float32)
        self.columns, self.lift = columns, counts.astype(np.float32)
        self.log_popularity = np.log(share).astype(np.float32)
        self.base = np.log(s / (of_value + s)).astype(np.float32)
        return self

    @property
    def columns_read(self) -> frozenset[str]:
        """Names of the columns of people it learned from."""
        return frozenset(column.name for column in fitted(self.columns, self).columns)

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        if not self.columns_read & set(queries.columns):
            nobody = np.full((len(queries), k), np.nan, np.float32)
            return Candidates.of_one_source(np.full(nobody.shape, NO_ITEM, np.int32), nobody, "demographic")
        n = len(self.log_popularity)
        return recommend_in_blocks(self._score_all, queries, k, n, "demographic", exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        x = self._x(queries)  # (B, V)
        if not x.any():
            return np.full(items.shape, np.nan, np.float32)
        return score_in_blocks(self._score_all, queries, items, len(self.log_popularity))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for everyone of whom nothing is known."""
        x = self._x(queries)
        said: FloatArray = (csr_array(self.config.weight * x) @ self.lift).toarray()
        said += self.log_popularity + self.config.weight * (x @ self.base)[:, None]
        said[~x.any(axis=1)] = np.nan
        return said

    def _x(self, queries: Queries) -> FloatArray:
        return query_column_vectors(queries.columns, fitted(self.columns, self), len(queries))

    def because_of_columns(self, queries: Queries, items: IntArray) -> list[list[tuple[str, float]]]:
        """Why these items are offered to the one person of `queries`: for each item, which columns speak for
        it more than for others, as ('occupation student', share of all that speaks for it), the strongest first.

        items : (K,)
        """
        x, learned = self._x(queries)[0], fitted(self.columns, self)
        values = np.flatnonzero(x)
        speaks = x[values, None] * (self.lift[values][:, items].toarray() + self.base[values, None])  # (v, K)
        of_column = np.repeat(np.arange(len(learned.columns)), [column.width for column in learned.columns])[values]
        by_column = np.zeros((len(learned.columns), len(items)))
        np.add.at(by_column, of_column, speaks)
        by_column = np.maximum(by_column, 0)
        shares = by_column / np.maximum(by_column.sum(axis=0), 1e-12)
        said = [
            _said(column, queries.columns[column.name][0]) if c in of_column else ""
            for c, column in enumerate(learned.columns)
        ]
        order = np.argsort(-by_column, axis=0, kind="stable")
        return [
            [(said[c], float(shares[c, k])) for c in order[:, k].tolist() if by_column[c, k] > 0]
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


def _said(column: Column, value: Any) -> str:
    """'occupation student', 'age near 24'."""
    if column.kind in ("category", "labels"):
        parts = value if isinstance(value, list) else [value]
        return f"{column.name} {', '.join(str(part) for part in parts)}"
    return f"{column.name} near {value}"
