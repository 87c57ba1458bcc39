"""implicit: ALS and item-item cosine; it has no full-ranking evaluation to speak of, so its lists are judged by us."""

from __future__ import annotations

import implicit
import numpy as np
from common import EPOCHS, FACTORS, NEIGHBOURS, Clock, K, N, asked, events, given, ndcg_of
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from scipy.sparse import csr_matrix

clock = Clock()
train, test = events(given(), "train"), events(given(), "test")
shape = (int(max(train[0].max(), test[0].max())) + 1, int(max(train[1].max(), test[1].max())) + 1)
taken = csr_matrix((np.ones(len(train[0]), np.float32), train), shape=shape)
models = {
    "als": AlternatingLeastSquares(
        factors=FACTORS, iterations=EPOCHS, num_threads=1, calculate_training_loss=False, random_state=0
    ),
    "itemknn": CosineRecommender(K=NEIGHBOURS, num_threads=1),
}
for name, model in asked(models).items():
    with clock(f"fit {name}"):
        model.fit(taken, show_progress=False)
    with clock(f"top-{N} of all, {name}"):
        model.recommend(test[0], taken[test[0]], N=N, filter_already_liked_items=True)
    with clock(f"evaluate {name}"):
        lists, _ = model.recommend(test[0], taken[test[0]], N=K, filter_already_liked_items=True)
        clock.figures[f"ndcg@10 {name}"] = round(ndcg_of(lists, test[1]), 4)
clock.report(implicit.__version__)
