"""`content_metric`: whitening, the learned map, and cold items."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
from foretaste.data.dataset import Dataset  # noqa: E402
from foretaste.data.items import ItemTable  # noqa: E402
from foretaste.errors import DataError  # noqa: E402
from foretaste.features.items import ItemFeaturesConfig  # noqa: E402
from foretaste.features.vector_ops import Whitening, truncated_svd  # noqa: E402
from foretaste.models.content.metric import ContentMetric, ContentMetricConfig  # noqa: E402
from foretaste.models.encoder_tuning.config import ContrastiveConfig  # noqa: E402
from foretaste.types import Queries, Run  # noqa: E402

N, D = 120, 8
QUICK = ContrastiveConfig(temperature=0.1, batches=12)


@pytest.fixture
def world(tmp_path: Path) -> tuple[Dataset, ContentMetricConfig, np.ndarray]:
    """What an item is has eight directions; people keep to one sign of the first, in which items differ least. A third
    of the items stands in the catalogue and was taken by nobody."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(N, D)) * [0.4, *[1.0] * (D - 1)]
    names = [f"i{i}" for i in range(N)]
    pl.DataFrame({"item": names, "vector": vectors.tolist()}).write_parquet(tmp_path / "v.parquet")
    old = np.arange(N) < 2 * N // 3
    rows = [
        (f"u{u}", f"i{i}")
        for u in range(200)
        for i in rng.permutation(np.flatnonzero(old & ((vectors[:, 0] > 0) == u % 2)))[:6]
    ]
    events = pl.DataFrame(rows, schema=["user", "item"], orient="row")
    data = Dataset.from_frame(events, pl.DataFrame({"item": names}))
    read = ItemFeaturesConfig(text=0.0, ready_file=str(tmp_path / "v.parquet"))
    sign = vectors[[int(name[1:]) for name in data.items.ids.names.to_list()], 0] > 0
    return data, ContentMetricConfig(read=read, half_life_events=1e6, contrast=QUICK), sign


def right(model: ContentMetric, data: Dataset, sign: np.ndarray, new: np.ndarray) -> float:
    """Share of the right sign among the ten new items offered to each person."""
    queries = Queries(np.arange(data.n_users, dtype=np.int32), data.histories())
    found = model.recommend(queries, 10, allowed=new).items
    wanted = sign[data.histories().items[data.offsets[:-1]]]
    return float((sign[found] == wanted[:, None]).mean())


def test_cold_items_are_placed_by_the_learned_map(world) -> None:
    data, config, sign = world
    new = np.bincount(data.item, minlength=N) == 0
    untaught = config.training.model_copy(update={"epochs": 1, "learning_rate": 1e-9})
    before = right(ContentMetric(config.model_copy(update={"training": untaught})).fit(data, Run()), data, sign, new)
    taught = config.training.model_copy(update={"learning_rate": 0.01})
    after = right(ContentMetric(config.model_copy(update={"training": taught})).fit(data, Run()), data, sign, new)
    assert after > 0.9 > before


def test_whitening_gives_all_directions_equal_variance() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(5000, 4)) * [3, 1, 0.5, 0.1] + [9, 0, 0, 0]).astype(np.float32)
    white = Whitening.of(vectors, 1e-6)
    turned = (vectors - white.mean) @ white.turn
    spread = turned.T @ turned / len(turned)
    np.testing.assert_allclose(spread / spread[0, 0], np.eye(4), atol=0.01)
    only_the_mean = Whitening.of(vectors, 1.0)
    np.testing.assert_allclose(only_the_mean.turn, np.eye(4), atol=1e-6)
    silent = np.concatenate([vectors[:3], np.zeros((1, 4), np.float32)])
    assert not white(silent)[3].any()
    np.testing.assert_allclose(np.linalg.norm(white(silent)[:3], axis=1), 1, atol=1e-5)


def test_saved_and_loaded_it_reads_new_items_alike(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    titles = [f"{colour} {thing}" for colour in ("red", "blue", "green") for thing in ("lamp", "chair", "pot", "rug")]
    rng = np.random.default_rng(0)
    rows = [(f"u{u}", title) for u in range(30) for title in rng.permutation(titles[4 * (u % 3) :][:4])]
    events = pl.DataFrame(rows, schema=["user", "item"], orient="row")
    data = Dataset.from_frame(events, pl.DataFrame({"item": titles, "title": titles}))
    model = ContentMetric(ContentMetricConfig(words=5, contrast=QUICK)).fit(data, Run())
    model.save(tmp_path / "model")
    again = ContentMetric.load(tmp_path / "model")
    ids = data.items.ids.extended(["red sofa", "blue sofa"])
    every = [*titles, "red sofa", "blue sofa"]
    catalogue = ItemTable.of(ids, pl.DataFrame({"item": every, "title": every}))
    one, other = (some.with_items(catalogue, Run()) for some in (model, again))
    np.testing.assert_array_equal(one.vectors, other.vectors)
    who = Queries.guests([[ids.code("red lamp"), ids.code("red chair")]])
    red, blue = one.score(who, np.array([[ids.code("red sofa"), ids.code("blue sofa")]], np.int32))[0]
    assert red > blue
    assert again.config == model.config


def test_the_main_directions_are_those_of_the_svd() -> None:
    rng = np.random.default_rng(0)
    dense = (
        rng.normal(size=(60, 5)) @ np.diag([9, 7, 5, 3, 1]) @ rng.normal(size=(5, 30)) * (rng.random((60, 30)) < 0.5)
    )
    rows = csr_array(dense.astype(np.float32))
    found = truncated_svd(rows, 3, np.random.default_rng(1))
    exact = np.linalg.svd(dense, full_matrices=False)[2][:3].T
    np.testing.assert_allclose(np.abs((found * exact).sum(axis=0)), 1, atol=1e-3)
    np.testing.assert_array_equal(found, truncated_svd(rows, 3, np.random.default_rng(1)))


def test_early_stopping_keeps_the_best_map(world) -> None:
    data, config, _ = world
    scores = iter([0.1, 0.9, 0.2, 0.2, 0.2])
    model = ContentMetric(config).fit(data, Run(monitor=lambda half: next(scores)))
    assert model.epochs == model.refit_config.training.epochs == 2
    two = ContentMetric(model.refit_config).fit(data, Run())
    np.testing.assert_array_equal(model.vectors, two.vectors)


def test_nothing_to_read_is_a_sentence() -> None:
    data = Dataset.from_frame(pl.DataFrame({"user": ["u", "u"], "item": ["a", "b"]}))
    with pytest.raises(DataError, match="this catalogue has none"):
        ContentMetric().fit(data, Run())
