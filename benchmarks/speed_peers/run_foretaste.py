"""foretaste: puresvd and ials as factor models, itemknn, and its own evaluator."""

from __future__ import annotations

import numpy as np
import polars as pl
from common import EPOCHS, FACTORS, NEIGHBOURS, Clock, N, asked, events, given

import foretaste
from foretaste.data.splits import leave_last
from foretaste.evaluation.evaluator import evaluate
from foretaste.models.factors.ials import IALS, IALSConfig
from foretaste.models.factors.puresvd import PureSVD, PureSVDConfig
from foretaste.models.neighbours.itemknn import ItemKNN, ItemKNNConfig
from foretaste.types import Run

clock = Clock()


def read() -> foretaste.Dataset:
    train, test = events(given(), "train"), events(given(), "test")
    return foretaste.Dataset.from_frame(
        pl.DataFrame({"user": np.r_[train[0], test[0]], "item": np.r_[train[1], test[1]]})
    )


split = leave_last(read())
queries = split.test.queries
models = {
    "als": IALS(IALSConfig(factors=FACTORS, epochs=EPOCHS)),
    "factors": PureSVD(PureSVDConfig(factors=FACTORS)),
    "itemknn": ItemKNN(ItemKNNConfig(neighbours=NEIGHBOURS)),
}
for name, model in asked(models).items():
    with clock(f"fit {name}"):
        model.fit(split.refit, Run())
    with clock(f"top-{N} of all, {name}"):
        model.recommend(queries, N, exclude=queries.history)
    with clock(f"evaluate {name}"):
        result = evaluate(model, split.test, ("ndcg@10", "recall@10", "hr@10", "mrr@10"))
    clock.figures[f"ndcg@10 {name}"] = round(result.mean("ndcg@10"), 4)
clock.report(foretaste.__version__)
