"""Sequence models in worlds whose answer depends on order, event kinds or times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="the extra 'torch' is not installed")
import worlds
from foretaste.data.dataset import Dataset
from foretaste.errors import ConfigError, DataError
from foretaste.features.text import TextEncoderConfig
from foretaste.models.sequence.bert4rec import Bert4Rec, Bert4RecConfig
from foretaste.models.sequence.config import LossConfig
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
from foretaste.training.config import TrainingConfig
from foretaste.types import Queries, Run

if TYPE_CHECKING:
    from pathlib import Path

QUICK = TrainingConfig(epochs=40, least_steps=0, batch_events=190, learning_rate=0.01, warm_up_steps=10, averaging=0.9)


def model(**settings: object) -> SasRec:
    return SasRec(SasRecConfig.model_validate({"width": 32, "dropout": 0.1, "training": QUICK, **settings}))


def circle(n_users: int = 150, around: int = 12) -> Dataset:
    """Everybody walks round a circle of items: after item i comes item i + 1."""
    rng = np.random.default_rng(0)
    start = rng.integers(0, around, n_users)
    item = ((start[:, None] + np.arange(7)) % around).ravel()
    return worlds.dataset(np.repeat(np.arange(n_users), 7), item, n_items=around)


def share_right(fitted: SasRec, data: Dataset, questions: Queries, right: np.ndarray) -> float:
    found = fitted.recommend(questions, 1).items[:, 0]
    return float((data.items.ids.names_of(found) == right).mean())


@pytest.mark.parametrize("loss", ["softmax", "sampled", "gbce", "bpr"])
def test_the_order_is_learned_with_every_loss(loss: str) -> None:
    data = circle()
    fitted = model(loss=LossConfig(kind=loss, negatives=6)).fit(data, Run())
    codes = data.items.ids.codes(pl.Series([f"i{i}" for i in range(12)]))
    questions = Queries.guests([[codes[i - 2], codes[i - 1], codes[i]] for i in range(12)])
    assert share_right(fitted, data, questions, np.array([f"i{(i + 1) % 12}" for i in range(12)])) > 0.9


def test_the_reason_is_what_the_offer_hangs_on() -> None:
    """On the circle only the last step matters: without it, something else would be offered."""
    data = circle()
    fitted = model().fit(data, Run())
    codes = data.items.ids.codes(pl.Series(["i1", "i2", "i3", "i4"]))
    parts = fitted.contributions(codes[:3], codes[3:])
    assert parts.shape == (1, 3)
    assert parts[0].argmax() == 2
    alone = fitted.score(Queries.guests([codes[:3], codes[:2]]), np.tile(codes[3:], (2, 1)))
    np.testing.assert_allclose(parts[0, 2], alone[0, 0] - alone[1, 0], rtol=1e-4)


def test_the_time_between_events_is_read() -> None:
    """After a minute people take item 1, after a month item 2, whatever came before."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(150):
        quick = rng.random() < 0.5
        gap = 60 if quick else 30 * 86400
        rows += [
            (f"u{user}", "a", 0),
            (f"u{user}", "b", gap * 1_000_000),
            (f"u{user}", "quick" if quick else "slow", gap * 2_000_000),
        ]
    data = Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "time"], orient="row"))
    fitted = model().fit(data, Run())
    first_two = data.where(data.position < 2).histories()
    right = np.array(
        [
            f"{data.items.ids.names_of(data.item[data.offsets[u] + 2 : data.offsets[u] + 3])[0]}"
            for u in range(data.n_users)
        ]
    )
    asked = Queries(np.full(data.n_users, -1, np.int32), first_two)
    assert share_right(fitted, data, asked, right) > 0.95
    blind = model(times=False).fit(data, Run())
    assert share_right(blind, data, asked, right) < 0.7


def test_what_kind_of_event_it_was_is_read() -> None:
    """Who bought the first item wants 'more', who only looked at it wants 'other'."""
    rows = []
    for user in range(120):
        kind = "buy" if user % 2 else "view"
        rows += [(f"u{user}", "a", kind), (f"u{user}", "more" if user % 2 else "other", "view")]
    data = Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "kind"], orient="row"))
    fitted = model().fit(data, Run())
    asked = Queries(np.full(data.n_users, -1, np.int32), data.where(data.position < 1).histories())
    right = np.array(["more" if int(name[1:]) % 2 else "other" for name in data.users.names.to_list()])
    assert share_right(fitted, data, asked, right) > 0.95


def ready_made(data: Dataset, tmp_path: Path) -> str:
    """A file in which a vector of each item says its parity, and nothing of i4 and i5."""
    names = data.items.ids.names.to_list()
    numbers = np.array([int(name[1:]) for name in names])
    rows = np.random.default_rng(0).normal(0, 0.1, (len(names), 6)) + np.where(numbers % 2, 1, -1)[:, None]
    kept = ~np.isin(numbers, [4, 5])
    pl.DataFrame({"item": np.array(names)[kept], "vector": rows[kept]}).write_parquet(tmp_path / "ready.parquet")
    return str(tmp_path / "ready.parquet")


FUSIONS = ["sum", "concat", "gated", "attention"]


@pytest.mark.parametrize(
    ("reading", "fusion"),
    [("texts", "sum"), *(("words", fusion) for fusion in FUSIONS), *(("vectors", fusion) for fusion in FUSIONS)],
)
def test_a_cold_item_is_recommended_by_its_words(reading: str, fusion: str, tmp_path: Path) -> None:
    data = worlds.parity(n_users=60, n_items=40)
    reads = {"words": {"words": True}, "vectors": {"vectors": ready_made(data, tmp_path)}}
    if reading == "texts":
        pytest.importorskip("sentence_transformers", reason="the extra 'text' is not installed")
        reads["texts"] = {"texts": {}}
    unmet = np.isin(np.arange(40), data.items.ids.codes(pl.Series(["i0", "i1", "i2", "i3"])))
    known = data.where(~unmet[data.item])
    fused = model(**reads[reading], fusion=fusion).fit(known, Run())
    fused.save(tmp_path / "model")
    fused = SasRec.load(tmp_path / "model")
    allowed = unmet.copy()
    asked = Queries(np.arange(data.n_users, dtype=np.int32), known.histories())
    found = fused.recommend(asked, 2, allowed=allowed).items
    right = worlds.parity_of(data, found.ravel()).reshape(found.shape) == worlds.parity_of_people(data)[:, None]
    assert right.mean() > 0.9
    if reading != "words" or fusion != "sum":
        return
    plain = model().fit(known, Run())
    assert (plain.recommend(asked, 2, allowed=allowed).items == -1).all(), "ids alone know nothing of it, and say so"


def test_settings_that_cannot_be_followed_are_refused_in_a_sentence() -> None:
    data = circle(20)
    with pytest.raises(ConfigError, match=r"width = 32 cannot be shared among heads = 3"):
        model(heads=3).fit(data, Run())
    gaps = Bert4RecConfig(width=32, max_length=1, training=QUICK)
    with pytest.raises(ConfigError, match="max_length = 1 leaves 'bert4rec' only the gap"):
        Bert4Rec(gaps).fit(data, Run())
    with pytest.raises(DataError, match="'sasrec' is to read the words of items, and this catalogue has none"):
        model(words=True).fit(Dataset.from_frame(data.as_frame()), Run())


def test_texts_are_not_read_where_there_are_none() -> None:
    pytest.importorskip("sentence_transformers", reason="the extra 'text' is not installed")
    with pytest.raises(DataError, match="'sasrec' is to read the texts of items, and this catalogue has none"):
        model(texts=TextEncoderConfig()).fit(Dataset.from_frame(circle(20).as_frame()), Run())
