"""Sampled metrics: the target ranked among a few negatives, only to compare with papers that evaluate this way.

Such values are far above those of full ranking and may order models differently (Krichene & Rendle, KDD 2020). Nothing
in foretaste is chosen by them except the settings in tables that reproduce such a paper. Each row says "sampled".
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from foretaste.errors import DataError
from foretaste.evaluation.evaluator import Result
from foretaste.metrics.ranking import ListRelevance, parse_metric
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foretaste.data.splits import EvalQueries
    from foretaste.protocols import Scorer
    from foretaste.types import IntArray, Queries

METRICS = ("hr@10", "ndcg@10")
BATCH_SIZE = 512
"""Queries whose negatives are drawn together; memory is BATCH_SIZE x n_items floats."""


@dataclass(frozen=True, eq=False)
class SampledQueries:
    """Queries with one target and its negatives each.

    queries : one per target; a user with several targets has several queries
    items   : (B, 1 + N) int32, the target first, then its negatives; NO_ITEM pads
    n_items : size of the catalogue
    ranking : how negatives were drawn, for the protocol of a leaderboard
    """

    queries: Queries
    items: IntArray
    n_items: int
    ranking: str

    def __len__(self) -> int:
        return len(self.queries)

    @classmethod
    def with_given_negatives(cls, eval_queries: EvalQueries, negatives: IntArray, whose: str) -> SampledQueries:
        """With published negatives: (B, N) item codes, a row for each query.

        A target that is among its own negatives (156 of 6,040 in the files of the NCF paper) is ranked once, as in that
        paper's code.

        raises : DataError where a query has not exactly one target
        """
        relevant = eval_queries.relevant
        if (np.diff(relevant.indptr) != 1).any() or len(negatives) != len(eval_queries):
            raise DataError("Given negatives need one target and one row of negatives per query.")
        answer = relevant.indices.astype(np.int32)
        twice = negatives == answer[:, None]
        ranking = f"sampled: the answer among {negatives.shape[1]} {whose}"
        others = np.where(twice, np.int32(NO_ITEM), negatives)
        return cls(eval_queries.queries, np.column_stack([answer, others]), relevant.shape[1], ranking)

    @classmethod
    def with_uniform_negatives(cls, eval_queries: EvalQueries, n: int, seed: int = 0) -> SampledQueries:
        """With n negatives per target, drawn uniformly without replacement from items outside history and targets."""
        relevant, history = eval_queries.relevant, eval_queries.queries.history
        n_items = relevant.shape[1]
        rng = np.random.default_rng(seed)
        row = np.repeat(np.arange(len(eval_queries)), np.diff(relevant.indptr))
        items = np.full((len(row), 1 + n), NO_ITEM, np.int32)
        items[:, 0] = relevant.indices
        for start in range(0, len(row), BATCH_SIZE):
            block = row[start : start + BATCH_SIZE]
            luck = rng.random((len(block), n_items), np.float32)
            known, wanted = history.take(block), relevant[block].tocoo()
            luck[known.row_of_event(), known.items] = np.inf
            luck[wanted.coords[0], wanted.coords[1]] = np.inf
            drawn = np.argpartition(luck, min(n, n_items) - 1, axis=1)[:, :n]
            missing = np.isinf(np.take_along_axis(luck, drawn, axis=1))
            items[start : start + len(block), 1 : 1 + drawn.shape[1]] = np.where(missing, NO_ITEM, drawn)
        queries = eval_queries.queries.take(row)
        return cls(queries, items, n_items, f"sampled: the answer among {n} items drawn evenly, seed {seed}")


def evaluate_sampled(model: Scorer, asked: SampledQueries, metrics: Sequence[str] = METRICS) -> Result:
    """Rank each target among its negatives; ties go to the smaller item code, items without a score are not ranked."""
    began = perf_counter()
    ranked = _ranked(asked.items, model.score(asked.queries, asked.items))
    seconds = perf_counter() - began
    parts = (np.ones(len(asked), np.float32), asked.items[:, 0], np.arange(len(asked) + 1))
    judged = ListRelevance.of(ranked, csr_array(parts, shape=(len(asked), asked.n_items)))
    per_user: dict[str, NDArray[np.float64]] = {name: parse_metric(name).of_relevance(judged) for name in metrics}
    # Coverage is undefined: the lists consist of sampled items.
    return Result(per_user, np.zeros(asked.n_items, np.int64), seconds)


def _ranked(items: IntArray, scores: NDArray[np.float32]) -> IntArray:
    """(B, K) the items of each row by descending score."""
    by_code = np.argsort(items, axis=1, kind="stable")
    items, scores = np.take_along_axis(items, by_code, axis=1), np.take_along_axis(scores, by_code, axis=1)
    unknown = np.isnan(scores) | (items == NO_ITEM)
    order = np.argsort(np.where(unknown, np.inf, -scores), axis=1, kind="stable")
    return np.take_along_axis(np.where(unknown, np.int32(NO_ITEM), items), order, axis=1)
