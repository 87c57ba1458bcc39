"""LensKit: implicit ALS and item-item, its batch runner and its run analysis."""

from __future__ import annotations

from importlib.metadata import version

import pandas as pd
from common import EPOCHS, FACTORS, NEIGHBOURS, Clock, K, N, asked, events, given
from lenskit.als import ImplicitMFScorer
from lenskit.batch import recommend
from lenskit.data import ItemListCollection, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.metrics import NDCG, Hit, Recall, RecipRank, RunAnalysis
from lenskit.pipeline import topn_pipeline

clock = Clock()


def frame(part: str) -> pd.DataFrame:
    user, item = events(given(), part)
    return pd.DataFrame({"user_id": user, "item_id": item})


train, test = frame("train"), frame("test")
data = from_interactions_df(train)
answers = ItemListCollection.from_df(test, ["user_id"])
scorers = {
    "als": ImplicitMFScorer(embedding_size=FACTORS, epochs=EPOCHS),
    "itemknn": ItemKNNScorer(max_nbrs=NEIGHBOURS, save_nbrs=NEIGHBOURS, feedback="implicit"),
}
for name, scorer in asked(scorers).items():
    pipeline = topn_pipeline(scorer, n=N)
    with clock(f"fit {name}"):
        pipeline.train(data)
    with clock(f"top-{N} of all, {name}"):
        recommend(pipeline, test["user_id"].to_numpy(), n=N, n_jobs=1)
    with clock(f"evaluate {name}"):
        lists = recommend(pipeline, test["user_id"].to_numpy(), n=K, n_jobs=1)
        analysis = RunAnalysis()
        for metric in (NDCG(n=K), Recall(n=K), Hit(n=K), RecipRank(n=K)):
            analysis.add_metric(metric)
        found = analysis.measure(lists, answers).list_metrics().mean()
    clock.figures[f"ndcg@10 {name}"] = round(float(found.iloc[0]), 4)
clock.report(version("lenskit"))
