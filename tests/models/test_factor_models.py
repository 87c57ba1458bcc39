"""Learned ranking models: against their formulas, and what each of them is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import BundleError, DataError
from foretaste.models.content.tfidf import Tfidf, TfidfConfig, tokenise
from foretaste.types import NO_ITEM, Queries, Run

if TYPE_CHECKING:
    from pathlib import Path


def test_mf_keeps_its_best_state_and_not_its_last() -> None:
    pytest.importorskip("numba")
    from foretaste.models.factors.mf import MF, MFConfig

    data = worlds.parity()
    config = MFConfig(factors=4, epochs=4, measure_every=1)
    scores = iter([0.1, 0.9, 0.3, 0.2])
    seen = []

    def monitor(model: MF) -> float:
        seen.append(model.fold_in)
        return next(scores)

    model = MF(config).fit(data, Run().with_monitor(monitor))
    assert len(seen) == 4
    assert model.fold_in is seen[1]
    assert not np.array_equal(seen[1].vectors, seen[3].vectors), "the kept state must not share memory with learning"


def test_mf_without_a_history_offers_what_is_popular() -> None:
    pytest.importorskip("numba")
    from foretaste.models.factors.mf import MF, MFConfig

    data = worlds.popularity()
    model = MF(MFConfig(factors=4, epochs=30)).fit(data, Run())
    best = model.recommend(Queries.guests([[]]), 3).items[0]
    assert set(best) == {data.items.ids.code(f"i{i}") for i in range(3)}


def neighbours_world(seed: int = 0) -> Dataset:
    """Ten shelves of ten items; each person walks along one of them: items are near only on their shelf."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(120), 8)
    item = np.concatenate([(u % 10) * 10 + rng.permutation(10)[:8] for u in range(120)])
    return worlds.dataset(user, item, n_items=101)


def test_item2vec_puts_company_together_and_knows_nothing_of_the_unknown() -> None:
    pytest.importorskip("numba")
    from foretaste.models.factors.item2vec import Item2Vec

    data = neighbours_world()
    model = Item2Vec().fit(data, Run())
    codes = np.array([data.items.ids.code(f"i{i}") for i in range(100)])
    beside = np.hstack([model.contributions(codes[[one]], codes) for one in range(100)])  # each as the only event
    same = np.arange(100)[:, None] // 10 == np.arange(100)[None, :] // 10
    assert beside[same].mean() > beside[~same].mean() + 1
    unknown = data.items.ids.code("i100")
    found = model.recommend(Queries.guests([[int(codes[0])], [unknown]]), 101).items
    assert unknown not in found[0]
    assert (found[1] == -1).all()


def test_negatives_are_drawn_as_asked() -> None:
    pytest.importorskip("numba")
    from foretaste.models.factors.item2vec import noise_table

    count = np.array([100, 0, 1, 10])
    for exponent, expected in ((1.0, [100, 0, 1, 10]), (0.0, [1, 0, 1, 1]), (-0.5, [0.1, 0, 1, 10**-0.5])):
        share = np.bincount(noise_table(count, exponent), minlength=4)
        np.testing.assert_allclose(share / share.sum(), np.array(expected) / sum(expected), atol=1e-3)


def test_lightgcn_is_the_sums_of_its_paper() -> None:
    """Layer by layer on the whole graph of people and items, as eq. 7 and 8 have it, with u⁰ = Ã e⁰."""
    torch = pytest.importorskip("torch")
    from foretaste.models.graph.lightgcn import LightGCN, LightGCNConfig, _Graph

    data = worlds.parity(n_users=12, n_items=10, per_user=4)
    A = data.matrix().toarray().astype(np.float64)
    normal = A / np.sqrt(np.maximum(A.sum(axis=1, keepdims=True), 1) * np.maximum(A.sum(axis=0), 1))
    e = np.random.default_rng(0).normal(size=(10, 3))
    big = np.block([[np.zeros((12, 12)), normal], [normal.T, np.zeros((10, 10))]])
    layer = np.concatenate([normal @ e, e])
    total = layer.copy()
    for _ in range(3):
        layer = big @ layer
        total += layer
    total /= 4
    graph = _Graph(data.matrix(), "cpu")
    people, items, _ = graph.convolve(torch.from_numpy(e.astype(np.float32)), 3)
    np.testing.assert_allclose(people.numpy(), total[:12], atol=1e-5)
    np.testing.assert_allclose(items.numpy(), total[12:], atol=1e-5)
    # What a history alone gives is what the graph gave.
    model = LightGCN(LightGCNConfig(factors=3))
    model.kind_weight = data.kinds.weights
    model._keep(graph, torch.from_numpy(e.astype(np.float32)), data.matrix().sum(axis=0))
    everything = np.tile(np.arange(10, dtype=np.int32), (12, 1))
    np.testing.assert_allclose(model.score(worlds.everyone(data), everything), total[:12] @ total[12:].T, atol=1e-4)


def test_the_gradient_of_the_sparse_product_is_right() -> None:
    torch = pytest.importorskip("torch")
    from foretaste.models.graph.lightgcn import _product, _tensor

    data = worlds.parity(n_users=8, n_items=6, per_user=3).matrix()
    dense = torch.from_numpy(data.toarray())
    x = torch.randn(6, 2, requires_grad=True)
    weight = torch.randn(8, 2)
    (_product(x, _tensor(data), _tensor(type(data)(data.T))) * weight).sum().backward()
    torch.testing.assert_close(x.grad, dense.T @ weight)


def test_lightgcn_stops_early_and_keeps_the_best() -> None:
    pytest.importorskip("torch")
    from foretaste.models.graph.lightgcn import LightGCN, LightGCNConfig

    config = LightGCNConfig(factors=4, epochs=50, least_steps=1, measure_every=1, patience=2)
    scores = iter([0.5, 0.9, 0.1, 0.1, 0.1])
    kept = []

    def monitor(model: LightGCN) -> float:
        kept.append(model.item_vectors)
        return next(scores)

    model = LightGCN(config).fit(worlds.parity(), Run().with_monitor(monitor))
    assert len(kept) == 4
    assert model.item_vectors is kept[1]


def catalogue(titles: list[str]) -> Dataset:
    items = pl.DataFrame({"item": [f"i{i}" for i in range(len(titles))], "title": titles})
    return Dataset.from_frame(pl.DataFrame({"user": ["u"], "item": ["i0"]}), items)


TITLES = ["the red fox", "the red red hound", "The quick fox hunt", "the sea", "the deep sea", "the Hound hunt"]


@pytest.mark.parametrize("weighting", ["bm25", "tfidf"])
def test_tfidf_is_its_formula(weighting: str) -> None:
    data = catalogue(TITLES)
    model = Tfidf(TfidfConfig(weighting=weighting, saturation=1.5)).fit(data, Run())
    texts = [title.lower().split() for title in TITLES]
    mean = sum(map(len, texts)) / 6
    known = sorted({w for text in texts for w in text if sum(w in other for other in texts) >= 2})
    plain = np.zeros((6, len(known)))
    for row, text in enumerate(texts):
        for column, word in enumerate(known):
            often = text.count(word)
            if weighting == "bm25":
                often = often * 2.5 / (often + 1.5 * (0.25 + 0.75 * len(text) / mean))
            plain[row, column] = often * np.log(6 / sum(word in other for other in texts))
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    codes = [data.items.ids.code(f"i{i}") for i in range(6)]
    assert list(model.vocabulary) == known
    np.testing.assert_allclose(model.vectors.toarray()[codes], plain, rtol=1e-5)
    assert not model.vectors.toarray()[:, model.vocabulary["the"]].any(), "a word in every title says nothing"


def test_the_name_of_a_column_is_no_word_of_its_items() -> None:
    items = pl.DataFrame(
        {
            "item": ["a", "b", "c", "d"],
            "title": ["Ash", "Birch", "Cedar", "Elm"],
            "genres": ["Drama", "War", None, None],
        }
    )
    data = Dataset.from_frame(pl.DataFrame({"user": ["u"], "item": ["a"]}), items)
    model = Tfidf().fit(data, Run())
    assert "genres" not in model.vocabulary
    drama = data.items.ids.code("a")
    assert model.recommend(Queries.guests([[drama]]), 2).items.tolist() == [[drama, NO_ITEM]], "the war is not alike"


def test_tfidf_says_which_words_are_shared() -> None:
    data = catalogue(TITLES)
    model = Tfidf().fit(data, Run())
    fox, hunt, sea = (data.items.ids.code(name) for name in ("i0", "i2", "i3"))
    assert model.shared_words(fox, hunt) == ["fox"]
    assert model.shared_words(fox, sea) == []
    assert model.contributions(np.array([fox]), np.array([hunt, sea]))[1, 0] == 0


def test_tfidf_knows_a_new_item_by_its_words(tmp_path: Path) -> None:
    data = catalogue(TITLES)
    model = Tfidf().fit(data, Run())
    trained = model.vectors
    grown = pl.concat([data.items.frame, pl.DataFrame({"title": ["Fox and HOUND, unheard-of!", "nothing known"]})])
    names = [*data.items.ids.names.to_list(), "new", "silent"]
    model = model.with_items(ItemTable(IdMap(names), grown, "title"), Run())
    assert model.vectors is trained, "what was learned is not copied"
    fox = data.items.ids.code("i0")
    found = model.recommend(Queries.guests([[fox]]), 8, exclude=Queries.guests([[fox]]).history).items[0]
    assert 6 in found
    assert 7 not in found
    model.save(tmp_path)
    again = Tfidf.load(tmp_path).recommend(Queries.guests([[fox]]), 8).items[0]
    np.testing.assert_array_equal(again, model.recommend(Queries.guests([[fox]]), 8).items[0])
    every = np.arange(8, dtype=np.int32)
    np.testing.assert_array_equal(model.similarity(every, every), Tfidf.load(tmp_path).similarity(every, every))
    frame = grown.with_columns(title=pl.when(pl.int_range(8).is_in([fox, 7])).then(pl.lit("sea")).otherwise("title"))
    changed = model.with_items(ItemTable(IdMap(names), frame, "title"), Run(), np.array([fox, 7], np.int32))
    assert changed.similarity(every, every)[fox, 7] == pytest.approx(1)
    assert changed.similarity(every, every)[fox, 6] == 0
    (tmp_path / "vocabulary.json").write_text("[", encoding="utf-8")
    with pytest.raises(BundleError, match="train it again"):
        Tfidf.load(tmp_path)


def test_tfidf_needs_words() -> None:
    with pytest.raises(DataError, match="leave it out"):
        Tfidf().fit(catalogue(["", "?!"]), Run())
    assert tokenise("Straße, NAÏVE_2 ночь") == ["strasse", "naïve", "2", "ночь"]
