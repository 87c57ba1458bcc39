"""Similarities of `itemknn` and `userknn` against `implicit`, and against dense sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import worlds
from foretaste.models.neighbours.itemknn import ItemKNN, ItemKNNConfig
from foretaste.models.neighbours.similarity import K1, B, Similarity
from foretaste.models.neighbours.userknn import UserKNN, UserKNNConfig
from foretaste.types import Queries, Run


@pytest.mark.parametrize(("similarity", "peer"), [("cosine", "Cosine"), ("tfidf", "TFIDF"), ("bm25", "BM25")])
def test_items_are_as_alike_as_implicit_says(similarity: Similarity, peer: str) -> None:
    neighbours: Any = pytest.importorskip("implicit.nearest_neighbours")
    data = worlds.popularity(n_users=50, n_items=20, per_user=4)
    ours = ItemKNN(ItemKNNConfig(neighbours=20, shrinkage=0.0, similarity=similarity)).fit(data, Run())
    theirs = getattr(neighbours, f"{peer}Recommender")(K=20, num_threads=1)
    theirs.fit(csr_matrix(data.matrix(), dtype=np.float64), show_progress=False)
    plain = theirs.similarity.toarray()
    np.fill_diagonal(plain, 0)
    assert ours.weights is not None
    np.testing.assert_allclose(ours.weights.weights.toarray(), plain, rtol=1e-4, atol=1e-7)


def test_jaccard_is_what_is_shared_of_what_there_is() -> None:
    data = worlds.parity(n_users=25, n_items=14, per_user=4)
    config = ItemKNNConfig(neighbours=14, shrinkage=1.0, similarity="jaccard")
    model = ItemKNN(config).fit(data, Run())
    X = data.matrix().toarray() > 0
    plain = np.zeros((14, 14))
    for i in range(14):
        for j in range(14):
            if i != j:
                plain[j, i] = (X[:, i] & X[:, j]).sum() / ((X[:, i] | X[:, j]).sum() + 1.0)
    assert model.weights is not None
    np.testing.assert_allclose(model.weights.weights.toarray(), plain, rtol=1e-5)


def _people_alike(similarity: Similarity, a: np.ndarray, b: np.ndarray, taken: np.ndarray) -> float:
    idf = np.log(len(taken)) - np.log1p(taken.sum(axis=0))
    mean = taken.sum(axis=1).mean()
    if similarity == "jaccard":
        return float((a * b).sum() / (np.maximum(a, b).sum() + 1.0))
    if similarity == "tfidf":
        return float((a * b * idf**2).sum() / (np.sqrt((a * idf**2).sum() * (b * idf**2).sum()) + 1.0))
    if similarity == "bm25":
        loud = [(K1 + 1) / (K1 * (1 - B + B * x.sum() / mean) + 1) for x in (a, b)]
        return float((a * b * idf**2).sum() * loud[0] * loud[1])
    return float((a * b).sum() / (np.sqrt(a.sum() * b.sum()) + 1.0))


@pytest.mark.parametrize("similarity", ["cosine", "tfidf", "bm25", "jaccard"])
def test_people_are_as_alike_as_the_sums_say(similarity: Similarity) -> None:
    data = worlds.popularity(n_users=20, n_items=14, per_user=4)
    config = UserKNNConfig(neighbours=4, shrinkage=1.0, similarity=similarity)
    model = UserKNN(config).fit(data, Run())
    taken = data.matrix().toarray()
    asker = np.maximum(taken[5], taken[6])
    alike = [(_people_alike(similarity, asker, other, taken), v) for v, other in enumerate(taken)]
    plain = np.zeros(data.n_items)
    for value, v in sorted(alike, key=lambda pair: (-pair[0], pair[1]))[:4]:
        plain += value * taken[v]
    plain[plain == 0] = np.nan
    every = np.arange(data.n_items, dtype=np.int32)[None, :]
    scores = model.score(Queries.guests([np.flatnonzero(asker)]), every)[0]
    np.testing.assert_allclose(scores, plain, rtol=1e-4)
