"""Every model of the registry is said to fit or not, with a reason that follows from the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from foretaste.data.dataset import Dataset
from foretaste.registry import MODELS, ModelSpec, models
from foretaste.selection import model_fit as check_models
from foretaste.selection.model_fit import model_fits


def world(users: int, each: int, *, timed: bool = True, words: bool = True) -> Dataset:
    rng = np.random.default_rng(0)
    n = users * each
    frame = pl.DataFrame(
        {
            "user": [f"u{i // each}" for i in range(n)],
            "item": [f"i{i}" for i in rng.integers(0, 40, n)],
            "time": np.arange(n) * 1_000_000,
        }
    )
    items = pl.DataFrame({"item": [f"i{i}" for i in range(40)], "title": [f"Thing {i}" for i in range(40)]})
    return Dataset.from_frame(frame if timed else frame.drop("time"), items if words else None)


def fits(data: Dataset) -> dict[str, tuple[bool, str]]:
    return {fit.name: (fit.fits, fit.reason) for fit in model_fits(data)}


def test_every_model_has_a_line_and_no_other() -> None:
    found = fits(world(50, 6))
    assert list(found) == list(models())
    for name, (_, reason) in found.items():
        assert reason.endswith("."), name


def test_reasons_follow_from_the_data() -> None:
    small = fits(world(50, 6))
    assert small["ease"][0]
    assert small["ease"][1] == "50 users to learn from."
    assert not small["sasrec"][0]
    assert small["sasrec"][1].startswith("300 events are few")
    few = fits(world(10, 6))
    assert not few["itemknn"][0]
    assert "only 10 users" in few["itemknn"][1]
    assert few["popular"] == (True, "always, as a baseline.")
    assert few["tfidf"][0]
    bare = fits(world(50, 3, timed=False, words=False))
    assert "the items have no texts" in bare["content"][1]
    assert "no times" in bare["trending"][1]
    assert "no order to learn" in bare["item2vec"][1]


def test_a_catalogue_too_large_and_a_package_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    data = world(50, 6)
    monkeypatch.setattr(check_models, "_missing", lambda extra: ("torch",) if extra == "torch" else ())
    monkeypatch.setitem(models(), "lightgcn", replace(models()["lightgcn"], wants=()))
    assert fits(data)["lightgcn"] == (False, "it needs torch: pip install 'foretaste[torch]'.")
    spec = models()["ease"]
    assert check_models.too_large("ease", spec, 10**6) is not None
    assert "max_items" in str(check_models.too_large("ease", spec, 10**6))


def test_a_model_of_another_package_is_judged_too(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModelSpec("foretaste.models.plain.popular:Popular", "theirs")
    monkeypatch.setitem(MODELS.all(), "theirs", spec)
    assert fits(world(50, 6))["theirs"] == (True, "50 users to learn from.")


def test_a_package_that_is_missing_is_known_by_our_own_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    check_models._missing.cache_clear()
    monkeypatch.setattr(
        check_models, "requires", lambda _: ["no-such-package9>=1; extra == 'far'", "numpy; extra == 'far'"]
    )
    assert check_models._missing("far") == ("no-such-package9",)
    check_models._missing.cache_clear()
