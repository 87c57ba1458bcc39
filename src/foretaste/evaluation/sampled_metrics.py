"""Ranking one answer among a few items that were not taken: only to compare with papers that measured so.

Such figures are far above those of full ranking, and may order models otherwise (Krichene & Rendle, KDD 2020); nothing
in foretaste is chosen by them but the settings of the tables that repeat such a paper. Each row says "sampled".
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
"""Questions per draw of negatives: one random number for each of them and each item is held."""


@dataclass(frozen=True, eq=False)
class SampledQueries:
    """queries : one per answer; a person with several answers is asked several times
    items   : (B, 1 + N) int32, the answer first, then what it is ranked among; NO_ITEM pads
    n_items : size of the catalogue
    ranking : in words, for the protocol of a leaderboard
    """

    queries: Queries
    items: IntArray
    n_items: int
    ranking: str

    def __len__(self) -> int:
        return len(self.queries)

    @classmethod
    def with_given_negatives(cls, questions: EvalQueries, negatives: IntArray, whose: str) -> SampledQueries:
        """Against the negatives somebody published: (B, N) item codes, a row for each of the questions.

        An answer that stands among its own negatives (156 of 6,040 in the files of the NCF paper) is ranked once, as in
        that paper's code.

        raises : DataError where a question has not exactly one answer
        """
        relevant = questions.relevant
        if (np.diff(relevant.indptr) != 1).any() or len(negatives) != len(questions):
            raise DataError("Given negatives need one answer and one row of negatives per question.")
        answer = relevant.indices.astype(np.int32)
        twice = negatives == answer[:, None]
        ranking = f"sampled: the answer among {negatives.shape[1]} {whose}"
        others = np.where(twice, np.int32(NO_ITEM), negatives)
        return cls(questions.queries, np.column_stack([answer, others]), relevant.shape[1], ranking)

    @classmethod
    def with_uniform_negatives(cls, questions: EvalQueries, n: int, seed: int = 0) -> SampledQueries:
        """Against n items drawn evenly, without repeats, from those the person neither had nor took next."""
        relevant, history = questions.relevant, questions.queries.history
        n_items = relevant.shape[1]
        rng = np.random.default_rng(seed)
        row = np.repeat(np.arange(len(questions)), np.diff(relevant.indptr))
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
        queries = questions.queries.take(row)
        return cls(queries, items, n_items, f"sampled: the answer among {n} items drawn evenly, seed {seed}")


def evaluate_sampled(model: Scorer, asked: SampledQueries, metrics: Sequence[str] = METRICS) -> Result:
    """Rank each answer among its negatives. Equal scores go to the smaller code; what has no score is not ranked."""
    began = perf_counter()
    ranked = _ranked(asked.items, model.score(asked.queries, asked.items))
    seconds = perf_counter() - began
    parts = (np.ones(len(asked), np.float32), asked.items[:, 0], np.arange(len(asked) + 1))
    judged = ListRelevance.of(ranked, csr_array(parts, shape=(len(asked), asked.n_items)))
    per_user: dict[str, NDArray[np.float64]] = {name: parse_metric(name).of_relevance(judged) for name in metrics}
    # How much of the catalogue is offered cannot be said: the lists were made of what was drawn.
    return Result(per_user, np.zeros(asked.n_items, np.int64), seconds)


def _ranked(items: IntArray, scores: NDArray[np.float32]) -> IntArray:
    """(B, K) the items of each row by falling score."""
    by_code = np.argsort(items, axis=1, kind="stable")
    items, scores = np.take_along_axis(items, by_code, axis=1), np.take_along_axis(scores, by_code, axis=1)
    unknown = np.isnan(scores) | (items == NO_ITEM)
    order = np.argsort(np.where(unknown, np.inf, -scores), axis=1, kind="stable")
    return np.take_along_axis(np.where(unknown, np.int32(NO_ITEM), items), order, axis=1)
