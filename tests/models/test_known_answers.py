"""Each model against the formula of its paper, computed densely."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.errors import ConfigError, DataError
from foretaste.models.content.content import Content, ContentConfig
from foretaste.models.graph.gfcf import GraphFilter, GraphFilterConfig
from foretaste.models.linear.ease import Ease, EaseConfig
from foretaste.models.neighbours.itemknn import ItemKNN, ItemKNNConfig
from foretaste.models.neighbours.rp3beta import RandomWalk, WalkConfig
from foretaste.models.neighbours.userknn import UserKNN, UserKNNConfig
from foretaste.models.plain.popular import Popular, PopularConfig
from foretaste.types import History, Queries, Run


def test_popular_ranks_by_count_and_age() -> None:
    data = worlds.popularity()
    order = Popular().fit(data, Run()).recommend(Queries.guests([[]]), 10).items[0]
    counts = np.bincount(data.item, minlength=data.n_items)
    assert counts[order].tolist() == sorted(counts, reverse=True)[:10]
    # One event of today outweighs many of a year ago.
    old_and_new = worlds.dataset(np.array([0, 1, 2, 3]), np.array([0, 0, 0, 1]))
    time = np.array([0, 0, 0, 365 * 86_400_000_000])[np.argsort(old_and_new.user, kind="stable")]
    faded = type(old_and_new).sorted(
        users=old_and_new.users,
        items=old_and_new.items,
        user=old_and_new.user,
        item=old_and_new.item,
        time=np.where(old_and_new.item == old_and_new.items.ids.code("i1"), time.max(), 0),
        kind=old_and_new.kind,
        value=old_and_new.value,
        kinds=old_and_new.kinds,
    )
    best = Popular(PopularConfig(half_life_days=30)).fit(faded, Run()).recommend(Queries.guests([[]]), 1).items
    assert faded.items.ids.name(best[0, 0]) == "i1"
    timeless = worlds.dataset(np.array([0]), np.array([0]), timed=False)
    with pytest.raises(ConfigError, match="half_life_days"):
        Popular(PopularConfig(half_life_days=30)).fit(timeless, Run())


def test_itemknn_is_shrunk_cosine_over_the_nearest() -> None:
    data = worlds.parity(n_users=25, n_items=14, per_user=4)
    model = ItemKNN(ItemKNNConfig(neighbours=3, shrinkage=2.0)).fit(data, Run())
    X = data.matrix().toarray()
    together = X.T @ X
    plain = np.zeros_like(together)
    for i in range(data.n_items):
        similar = [
            (together[i, j] / (np.sqrt(together[i, i] * together[j, j]) + 2.0), j)
            for j in range(data.n_items)
            if j != i and together[i, j] > 0
        ]
        for value, j in sorted(similar, key=lambda pair: (-pair[0], pair[1]))[:3]:
            plain[j, i] = value
    np.testing.assert_allclose(model.weights.weights.toarray(), plain, rtol=1e-5)


def test_rp3beta_is_a_walk_of_three_steps() -> None:
    data = worlds.parity(n_users=25, n_items=14, per_user=4)
    model = RandomWalk(WalkConfig(neighbours=14, alpha=1.3, beta=0.4)).fit(data, Run())
    X = data.matrix().toarray()
    to_person = (X / X.sum(axis=0)).T ** 1.3
    to_item = (X / X.sum(axis=1, keepdims=True)) ** 1.3
    plain = to_person @ to_item / X.sum(axis=0) ** 0.4
    np.fill_diagonal(plain, 0)
    np.testing.assert_allclose(model.weights.weights.toarray(), plain, rtol=1e-4, atol=1e-7)


def test_userknn_is_shrunk_cosine_between_people() -> None:
    data = worlds.parity(n_users=20, n_items=14, per_user=4)
    model = UserKNN(UserKNNConfig(neighbours=3, shrinkage=1.0)).fit(data, Run())
    people = data.matrix().toarray()
    asker = people[5] + people[6]
    asker = (asker > 0).astype(float)
    alike = [
        ((asker @ other) / (np.sqrt(asker.sum() * other.sum()) + 1.0), v)
        for v, other in enumerate(people)
        if asker @ other > 0
    ]
    plain = np.zeros(data.n_items)
    for similarity, v in sorted(alike, key=lambda pair: (-pair[0], pair[1]))[:3]:
        plain += similarity * people[v]
    plain[plain == 0] = np.nan
    everything = np.arange(data.n_items, dtype=np.int32)[None, :]
    scores = model.score(Queries.guests([np.flatnonzero(asker)]), everything)[0]
    np.testing.assert_allclose(scores, plain, rtol=1e-5)


def test_the_graph_filter_is_the_formula_of_its_paper() -> None:
    data = worlds.parity(n_users=30, n_items=16, per_user=5)
    model = GraphFilter(GraphFilterConfig(rank=4, ideal_weight=0.3)).fit(data, Run())
    R = data.matrix().toarray().astype(np.float64)
    normal = R / np.sqrt(R.sum(axis=1, keepdims=True)) / np.sqrt(np.maximum(R.sum(axis=0), 1))
    _, _, V = np.linalg.svd(normal)
    V = V[:4]
    half = np.sqrt(np.maximum(R.sum(axis=0), 1))
    plain = R @ normal.T @ normal + 0.3 * ((R / half) @ V.T @ V) * half
    everything = np.tile(np.arange(data.n_items, dtype=np.int32), (data.n_users, 1))
    np.testing.assert_allclose(model.score(worlds.everyone(data), everything), plain, rtol=1e-3, atol=1e-4)


def test_ease_is_its_closed_form() -> None:
    data = worlds.parity(n_users=30, n_items=12, per_user=4)
    model = Ease(EaseConfig(regularisation=5.0)).fit(data, Run())
    X = data.matrix().toarray().astype(np.float64)
    P = np.linalg.inv(X.T @ X + 5.0 * np.eye(data.n_items))
    plain = np.eye(data.n_items) - P / np.diag(P)
    np.testing.assert_allclose(model.weights, plain - np.diag(np.diag(plain)), atol=1e-6)


def test_ease_forgets_and_learns_one_person_exactly() -> None:
    data = worlds.parity()
    everyone = Ease().fit(data, Run())
    gone = data.user == 7
    without = Ease().fit(data.where(~gone), Run())
    person: History = data.histories().take(np.array([7]))
    everyone.remove(person)
    np.testing.assert_array_equal(everyone.gram, without.gram)
    np.testing.assert_array_equal(everyone.weights, without.weights)
    everyone.add(person)
    np.testing.assert_array_equal(everyone.weights, Ease().fit(data, Run()).weights)


def test_ease_refuses_what_would_not_fit() -> None:
    with pytest.raises(ConfigError, match="use slim or itemknn"):
        Ease(EaseConfig(max_items=10)).fit(worlds.parity(), Run())


def test_nothing_known_is_no_score_and_not_zero() -> None:
    data = worlds.parity()
    for model in (Ease(), ItemKNN()):
        found = model.fit(data, Run()).recommend(Queries.guests([[]]), 3)
        assert (found.items == -1).all()


def test_content_reads_and_needs_words() -> None:
    pytest.importorskip("sentence_transformers")
    data = worlds.parity()
    model = Content(ContentConfig(half_life_events=1.0)).fit(data, Run())
    animals = [data.items.ids.code("i0"), data.items.ids.code("i2")]
    space = data.items.ids.code("i1")
    # The newest event counts most: animals first, then space, asks for space.
    found = model.recommend(Queries.guests([[*animals, space]]), 3).items
    assert worlds.parity_of(data, found[0]).tolist() == [1, 1, 1]
    wordless = worlds.dataset(np.array([0]), np.array([0]))
    object.__setattr__(wordless.items, "frame", wordless.items.frame.with_columns(title=None))
    with pytest.raises(DataError, match="leave it out"):
        Content().fit(wordless, Run())
