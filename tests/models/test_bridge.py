"""`bridge`: collaborative item-to-item weights reach cold items through content similarity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foretaste.data.dataset import Dataset
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import DataError
from foretaste.features.items import ItemFeaturesConfig
from foretaste.models.content.bridge import Bridge, BridgeConfig
from foretaste.models.neighbours.itemknn import ItemKNNConfig
from foretaste.types import History, Queries, Run

TENT, TORCH, CHALK, ROPE = np.eye(4)
KINDS = {"tent": TENT, "torch": TORCH, "chalk": CHALK, "rope": ROPE}
GOES_WITH = {"tent": "torch", "chalk": "rope"}
EACH = 6
FEW = ItemKNNConfig(shrinkage=1.0)


def vectors_of(folder: Path, more: tuple[str, ...] = ()) -> ItemFeaturesConfig:
    """Each item is what its name says it is, and a little of its own."""
    rng = np.random.default_rng(0)
    names = [f"{kind}{i}" for kind in KINDS for i in range(EACH)] + list(more)
    vectors = [KINDS[name.rstrip("0123456789")] + 0.05 * rng.normal(size=4) for name in names]
    pl.DataFrame({"item": names, "vector": [row.tolist() for row in vectors]}).write_parquet(folder / "v.parquet")
    return ItemFeaturesConfig(text=0.0, ready_file=str(folder / "v.parquet"))


@pytest.fixture
def world(tmp_path: Path) -> tuple[Dataset, ItemFeaturesConfig]:
    """Whoever takes a tent takes a torch, whoever takes chalk takes rope; the last of each kind nobody has taken."""
    rng = np.random.default_rng(1)
    rows = []
    for u in range(120):
        first = ("tent", "chalk")[u % 2]
        for kind in (first, GOES_WITH[first]):
            rows += [(f"u{u}", f"{kind}{i}") for i in rng.permutation(EACH - 1)[:2]]
    events = pl.DataFrame(rows, schema=["user", "item"], orient="row")
    items = pl.DataFrame({"item": [f"{kind}{i}" for kind in KINDS for i in range(EACH)]})
    return Dataset.from_frame(events, items), vectors_of(tmp_path)


def codes(data: Dataset, *names: str) -> np.ndarray:
    return np.array([data.items.ids.names.to_list().index(name) for name in names], np.int32)


def test_a_new_item_is_offered_for_what_goes_with_it(world: tuple[Dataset, ItemFeaturesConfig]) -> None:
    data, read = world
    model = Bridge(BridgeConfig(read=read, together=FEW, neighbours=3)).fit(data, Run())
    new = codes(data, *(f"{kind}{EACH - 1}" for kind in KINDS))
    tent, torch, chalk, rope = model.score(Queries.guests([codes(data, "tent0", "tent1")]), new[None])[0]
    assert tent > chalk, "a tent like those"
    assert torch > max(chalk, rope) + 0.1, "and the torch that goes with a tent, though no word or picture says so"
    alone = Bridge(BridgeConfig(read=read, together=FEW, behaviour=0.0)).fit(data, Run())
    _, torch, chalk, rope = alone.score(Queries.guests([codes(data, "tent0", "tent1")]), new[None])[0]
    assert torch < max(chalk, rope) + 0.1, "without what people take together nothing speaks for it"


def test_the_fast_scores_are_the_plain_sum(world: tuple[Dataset, ItemFeaturesConfig]) -> None:
    data, read = world
    config = BridgeConfig(read=read, together=FEW, neighbours=3, half_life_events=2.0, prior_people=5.0, behaviour=1.0)
    model = Bridge(config).fit(data, Run())
    white, W = model.white.whole().astype(np.float64), model.item_to_item.toarray().astype(np.float64)
    n = len(white)
    like = white @ white.T
    count = np.array([len(set(data.user[data.item == i])) for i in range(n)])
    S = np.zeros((n, n))
    for i in range(n):
        known = [k for k in range(n) if count[k] and k != i]
        near = sorted(known, key=lambda k: -like[i, k])[:3]
        weight = np.array([max(like[i, k], 0) ** config.sharpness for k in near])
        S[i, near] = 5.0 / (count[i] + 5.0) * weight / weight.sum()
        S[i, i] += count[i] / (count[i] + 5.0)
    history = codes(data, "tent0", "chalk1", "torch2")
    speaks = np.array([0.5, 0.5**0.5, 1.0])
    plain = np.array([[speaks[h] * (like[i, j] + S[i] @ W[j]) for h, j in enumerate(history)] for i in range(n)])
    plain /= speaks.sum()
    every = np.arange(n, dtype=np.int32)
    np.testing.assert_allclose(
        model.score(Queries.guests([history]), every[None])[0], plain.sum(1), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(model.contributions(history, every), plain, rtol=1e-4, atol=1e-5)


def test_a_popular_item_is_represented_by_itself(world: tuple[Dataset, ItemFeaturesConfig]) -> None:
    data, read = world
    model = Bridge(BridgeConfig(read=read, together=FEW, prior_people=10.0)).fit(data, Run())
    own = model.neighbour_map.diagonal()
    np.testing.assert_allclose(own, model.evidence / (model.evidence + 10.0), rtol=1e-5)
    np.testing.assert_allclose(model.neighbour_map.sum(axis=1), 1.0, rtol=1e-5)


def test_an_item_that_comes_later_is_as_if_it_had_been_there(world: tuple[Dataset, ItemFeaturesConfig]) -> None:
    data, read = world
    folder = Path(read.ready_file or "").parent
    vectors_of(folder, ("torch99",))
    model = Bridge(BridgeConfig(read=read, together=FEW, neighbours=3)).fit(data, Run())
    names = data.items.ids.names.to_list()
    grown = model.with_items(ItemTable(IdMap(pl.Series([*names, "torch99"])), pl.DataFrame()), Run())
    asked = Queries.guests([codes(data, "tent0", "tent1")])
    old, other = np.arange(len(names), dtype=np.int32)[None], codes(data, f"torch{EACH - 1}", f"rope{EACH - 1}")
    np.testing.assert_allclose(grown.score(asked, old), model.score(asked, old), rtol=1e-5)
    late = grown.score(asked, np.array([[len(names)]], np.int32))[0, 0]
    torch, rope = model.score(asked, other[None])[0]
    assert abs(late - torch) < 0.2 * abs(torch - rope)
    assert grown.recommend(asked, 12, exclude=asked.history).items[0].tolist().count(len(names)) == 1


def test_words_that_come_later_are_read(tmp_path: Path) -> None:
    rows = [(f"u{u}", f"{kind}{i}") for u in range(40) for kind in ("a", "b") for i in ((u + 1) % 4, (u + 2) % 4)]
    items = pl.DataFrame(
        {
            "item": [f"{kind}{i}" for kind in "abc" for i in range(4)],
            "title": [f"{word} number {i}" for word in ("kettle", "teapot", "anvil") for i in range(4)],
        }
    )
    data = Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item"], orient="row"), items)
    names = data.items.ids.names.to_list()
    read = ItemFeaturesConfig(text=0.0, ready_file=str(tmp_path / "v.parquet"))
    pl.DataFrame({"item": ["c0"], "vector": [[1.0, 0.0]]}).write_parquet(tmp_path / "v.parquet")
    model = Bridge(BridgeConfig(read=read, together=FEW)).fit(data, Run())
    table = data.items.as_frame().sort(pl.col("item").map_elements(names.index, return_dtype=pl.Int64))
    frame = pl.concat([table.select("title"), pl.DataFrame({"title": ["teapot, blue", "anvil, blue"]})])
    grown = model.with_items(ItemTable(IdMap(pl.Series([*names, "t", "z"])), frame, title="title"), Run())
    kettle = Queries.guests([codes(data, "a0")])
    teapot, anvil = grown.score(kettle, np.array([[len(names), len(names) + 1]], np.int32))[0]
    assert teapot > anvil + 0.1
    again_of = tmp_path / "kept"
    grown.save(again_of)
    kept = Bridge.load(again_of)
    every = np.arange(len(names) + 2, dtype=np.int32)[None]
    np.testing.assert_array_equal(kept.score(kettle, every), grown.score(kettle, every))


def test_nothing_known_is_nothing_said(world: tuple[Dataset, ItemFeaturesConfig]) -> None:
    data, read = world
    missing = pl.read_parquet(read.ready_file or "").filter(pl.col("item") != f"rope{EACH - 1}")
    missing.write_parquet(read.ready_file or "")
    model = Bridge(BridgeConfig(read=read, together=FEW)).fit(data, Run())
    scores = model.score(Queries.guests([codes(data, "tent0")]), np.arange(data.n_items, dtype=np.int32)[None])[0]
    assert np.flatnonzero(np.isnan(scores)).tolist() == codes(data, f"rope{EACH - 1}").tolist()
    nobody = Queries(np.array([-1], np.int32), History.of_items([[]]))
    assert np.isnan(model.score(nobody, np.array([[0]], np.int32))).all()
    missing.with_columns(vector=pl.Series([[0.0] * 4] * len(missing))).write_parquet(read.ready_file or "")
    with pytest.raises(DataError, match="leave it out"):
        Bridge(BridgeConfig(read=read)).fit(data, Run())
