"""Inputs of the networks besides item ids and texts, and similar items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import worlds  # noqa: E402
from foretaste.data.dataset import Dataset  # noqa: E402
from foretaste.errors import ConfigError, DataError  # noqa: E402
from foretaste.features.columns import ColumnsConfig  # noqa: E402
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig  # noqa: E402
from foretaste.models.sequence.training.item_inputs import item_modalities, similar_items  # noqa: E402
from foretaste.training.config import AugmentConfig, TrainingConfig  # noqa: E402
from foretaste.types import Run  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SHORT = TrainingConfig(epochs=2, least_steps=0, batch_events=190)
EVERY_MET = np.ones(6, bool)


def shop() -> Dataset:
    """Six items of two brands; of i4 and i5 no brand is known. i0 and i1 are taken together, so are i2 and i3."""
    rows = [(f"u{u}", f"i{i}") for u in range(8) for i in ((0, 1, 4) if u % 2 else (2, 3, 5))]
    items = pl.DataFrame({"item": [f"i{i}" for i in range(6)], "brand": ["a", "a", "b", "b", None, None]})
    return Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item"], orient="row"), items)


def test_columns_and_vectors_are_read_and_what_lacks_is_zero(tmp_path: Path) -> None:
    data = shop()
    code = {name: code for code, name in enumerate(data.items.ids.names.to_list())}
    ready = pl.DataFrame({"item": ["i0", "i4"], "vector": [[3.0, 4.0], [0.0, 2.0]]})
    ready.write_parquet(tmp_path / "ready.parquet")
    config = SasRecConfig(item_columns=ColumnsConfig(), vectors=str(tmp_path / "ready.parquet"))
    found = {name: vectors.numpy() for name, vectors in item_modalities(data, config, EVERY_MET, Run()).items()}
    assert list(found) == ["columns", "vectors"]
    brand = found["columns"]
    np.testing.assert_allclose(brand[code["i0"]] @ brand[code["i1"]], 1, rtol=1e-6)
    assert brand[code["i0"]] @ brand[code["i2"]] == 0
    assert not brand[[code["i4"], code["i5"]]].any()
    np.testing.assert_allclose(found["vectors"][code["i0"]], [0.6, 0.8], rtol=1e-6)
    assert not found["vectors"][code["i3"]].any()


def test_of_what_no_item_has_nothing_is_learned(caplog: pytest.LogCaptureFixture) -> None:
    assert item_modalities(worlds.parity(), SasRecConfig(), np.ones(40, bool), Run()) == {}
    bare = Dataset.from_frame(pl.DataFrame({"user": ["a", "a"], "item": ["x", "y"]}))
    assert item_modalities(bare, SasRecConfig(item_columns=ColumnsConfig()), np.ones(2, bool), Run()) == {}
    assert "No item has any columns" in caplog.text
    with pytest.raises(ConfigError, match="has to read something else"):
        SasRec(SasRecConfig(ids=False)).fit(worlds.parity(), Run())
    with pytest.raises(DataError, match="reads texts of items"):
        SasRec(SasRecConfig(ids=False, item_columns=ColumnsConfig())).fit(bare, Run())


def test_pictures_are_read(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra 'image' is not installed")
    image = pytest.importorskip("PIL.Image", reason="the extra 'image' is not installed")
    names = []
    for i in range(6):
        names.append(str(tmp_path / f"{i}.png"))
        image.new("RGB", (64, 64), (40 * i, 0, 200)).save(names[-1])
    data = shop()
    places = [names[int(name[1:])] if name != "i3" else None for name in data.items.ids.names.to_list()]
    about = data.items.as_frame().select("item").with_columns(picture=pl.Series(places))
    data = Dataset.from_frame(data.as_frame().select("user", "item"), about)
    model = SasRec(SasRecConfig.model_validate({"pictures": {}, "width": 16, "training": SHORT})).fit(data, Run())
    seen = model.trained.modules[0].items.beside_pictures.numpy()
    lacks = data.items.ids.names.to_list().index("i3")
    np.testing.assert_allclose(np.linalg.norm(np.delete(seen, lacks, 0), axis=1), 1, rtol=1e-3)
    assert not seen[lacks].any()


def test_networks_of_an_ensemble_share_what_they_read(tmp_path: Path) -> None:
    settings = {"item_columns": {}, "fusion": "gated", "ensemble": 2, "width": 16, "training": SHORT}
    model = SasRec(SasRecConfig.model_validate(settings)).fit(shop(), Run())
    model.save(tmp_path / "model")
    again = SasRec.load(tmp_path / "model")
    np.testing.assert_array_equal(again.trained.vectors, model.trained.vectors)
    one, two = (module.items.beside_columns for module in again.trained.modules)
    assert torch.equal(one, two)


def test_a_network_trained_with_masking_is_saved_and_queried_like_others(tmp_path: Path) -> None:
    data = worlds.parity()
    augment = AugmentConfig(mask=0.3, substitute=0.2)
    model = SasRec(SasRecConfig(width=16, training=SHORT, augment=augment)).fit(data, Run())
    model.save(tmp_path / "model")
    again = SasRec.load(tmp_path / "model")
    asked = worlds.everyone(data)
    np.testing.assert_array_equal(again.recommend(asked, 5).items, model.recommend(asked, 5).items)
    assert model.recommend(asked, 40).items.max() < data.n_items
    assert model.trained.modules[0].masked.abs().max() > 0, "it was learned"


def test_similar_items_are_those_taken_by_the_same_people() -> None:
    data = shop()
    names = data.items.ids.names.to_list()
    found = similar_items(data, 3, Run())
    of = {name: [names[code] for code in found[i] if code >= 0] for i, name in enumerate(names)}
    assert set(of["i0"]) == {"i1", "i4"}
    assert set(of["i3"]) == {"i2", "i5"}
    assert (found[:, 2] == -1).all()


def test_the_likest_come_first() -> None:
    rng = np.random.default_rng(0)
    data = worlds.dataset(np.repeat(np.arange(200), 5), rng.integers(0, 30, 1000), n_items=31)  # nobody took i30
    X = data.matrix().toarray()
    met, size = X.T @ X, np.sqrt(X.sum(0))
    like = met / (size[:, None] * size + 20)
    np.fill_diagonal(like, -1)
    found = similar_items(data, 4, Run())
    for i in range(31):
        expected = np.sort(like[i][like[i] > 0])[::-1][:4]
        here = found[i][found[i] >= 0]
        np.testing.assert_allclose(like[i][here], expected, rtol=1e-5)
