"""RecTools: PureSVD, wrapped ALS and item-item, `recommend` into a frame and `calc_metrics` on it."""

from __future__ import annotations

from importlib.metadata import version

import pandas as pd
from common import EPOCHS, FACTORS, NEIGHBOURS, Clock, K, N, asked, events, given
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from rectools import Columns
from rectools.dataset import Dataset
from rectools.metrics import MRR, NDCG, HitRate, Recall, calc_metrics
from rectools.models import ImplicitALSWrapperModel, ImplicitItemKNNWrapperModel, PureSVDModel

clock = Clock()


def frame(part: str) -> pd.DataFrame:
    user, item = events(given(), part)
    columns = {Columns.User: user, Columns.Item: item, Columns.Weight: 1.0, Columns.Datetime: "2026-01-01"}
    return pd.DataFrame(columns)


train, test = frame("train"), frame("test")
data = Dataset.construct(train)
people = test[Columns.User].to_numpy()
metrics = {
    "ndcg@10": NDCG(k=K, divide_by_achievable=True),
    "recall@10": Recall(k=K),
    "hr@10": HitRate(k=K),
    "mrr@10": MRR(k=K),
}
als = AlternatingLeastSquares(factors=FACTORS, iterations=EPOCHS, num_threads=1, random_state=0)
models = {
    "als": ImplicitALSWrapperModel(als),
    "factors": PureSVDModel(factors=FACTORS),
    "itemknn": ImplicitItemKNNWrapperModel(CosineRecommender(K=NEIGHBOURS, num_threads=1)),
}
for name, model in asked(models).items():
    with clock(f"fit {name}"):
        model.fit(data)
    with clock(f"top-{N} of all, {name}"):
        model.recommend(people, data, k=N, filter_viewed=True)
    with clock(f"evaluate {name}"):
        lists = model.recommend(people, data, k=K, filter_viewed=True)
        found = calc_metrics(metrics, reco=lists, interactions=test, prev_interactions=train, catalog=range(3706))
    clock.figures[f"ndcg@10 {name}"] = round(float(found["ndcg@10"]), 4)
clock.report(version("rectools"))
