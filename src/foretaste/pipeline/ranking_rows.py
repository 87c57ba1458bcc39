"""What rankers learn from: candidates for the last thing each user did, by recalls that did not know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.data.splits import leave_last
from foretaste.metrics.ranking import gains_at
from foretaste.types import RankingRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.data.dataset import Dataset
    from foretaste.protocols import Retriever
    from foretaste.types import Run

MAX_ROWS = 20_000
"""Users whose last event is learned from; drawn by the hash of their id where there are more."""


def ranking_rows(fit: Callable[[Dataset, Run], Retriever], depth: int, data: Dataset, run: Run) -> RankingRows:
    """Each user's last event is held out, the recalls learn from all that is older and are asked what comes next.

    fit   : makes the recalls, merged, learn from a data set
    depth : candidates per user
    """
    split = leave_last(data)
    questions = split.test.sample(MAX_ROWS)
    candidates = fit(split.refit, run).recommend(questions.queries, depth, exclude=questions.excluded)
    labels = gains_at(candidates.items, questions.relevant).astype(np.float32)
    return RankingRows(questions.queries, candidates, labels)
