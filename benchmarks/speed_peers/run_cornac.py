"""Cornac: BPR and item-item, and its ranking evaluation over the whole catalogue."""

from __future__ import annotations

from importlib.metadata import version

import cornac
from common import FACTORS, NEIGHBOURS, Clock, K, N, asked, events, given
from cornac.eval_methods import BaseMethod

clock = Clock()


def triples(part: str) -> list[tuple[str, str, float]]:
    user, item = events(given(), part)
    return [(str(u), str(i), 1.0) for u, i in zip(user.tolist(), item.tolist(), strict=True)]


method = BaseMethod.from_splits(
    train_data=triples("train"), test_data=triples("test"), exclude_unknowns=True, verbose=False
)
metrics = [
    cornac.metrics.NDCG(k=K),
    cornac.metrics.Recall(k=K),
    cornac.metrics.HitRatio(k=K),
    cornac.metrics.MRR(),
]
models = {
    "factors": cornac.models.BPR(k=FACTORS, max_iter=20, num_threads=1, seed=0, verbose=False),
    "itemknn": cornac.models.ItemKNN(k=NEIGHBOURS, similarity="cosine", num_threads=1, verbose=False),
}
for name, model in asked(models).items():
    with clock(f"fit {name}"):
        model.fit(method.train_set)
    if name == "factors":  # one person at a time in Python: minutes for its item-item model
        with clock(f"top-{N} of all, {name}"):
            for person in list(method.train_set.uid_map):
                model.recommend(person, k=N, remove_seen=True, train_set=method.train_set)
        with clock(f"evaluate {name}"):
            found, _ = cornac.eval_methods.base_method.ranking_eval(
                model, metrics, method.train_set, method.test_set, verbose=False
            )
        clock.figures[f"ndcg@10 {name}"] = round(float(found[0]), 4)
clock.report(version("cornac"))
