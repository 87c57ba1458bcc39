"""The data card: each figure against a plain count, no name of anybody, and it travels with the bundle."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worlds
from foretaste.data.checks.card import DataCard, data_card
from foretaste.data.checks.card_text import card_text
from foretaste.data.dataset import Dataset
from foretaste.pipeline.bundle import load_bundle, save_bundle
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.types import Run

DAY = 86_400_000_000


def made(rows: list[tuple[int, int, int, int]], timed: bool) -> Dataset:
    frame = pl.DataFrame(
        {
            "user": [f"u{row[0]}" for row in rows],
            "item": [f"i{row[1]}" for row in rows],
            "time": [row[2] * DAY for row in rows],
            "value": [float(row[3]) for row in rows],
            "kind": [("view", "buy")[row[3] % 2] for row in rows],
        },
        schema_overrides={"time": pl.Int64},
    )
    catalogue = pl.DataFrame({"item": [f"i{i}" for i in range(9)], "title": [f"Thing {i}" for i in range(9)]})
    return Dataset.from_frame(frame if timed else frame.drop("time"), catalogue)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 40), st.integers(1, 5)), min_size=1, max_size=50
    ),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_every_figure_is_the_plain_count(rows: list[tuple[int, int, int, int]], timed: bool) -> None:
    card = data_card(made(rows, timed))
    users, items = Counter(row[0] for row in rows), Counter(row[1] for row in rows)
    assert (card.events, card.users, card.items) == (len(rows), len(users), 9)
    assert card.kinds == dict(Counter(("view", "buy")[row[3] % 2] for row in rows))
    assert card.events_per_user.median == np.median(list(users.values()))
    assert card.events_per_item.most == max(items.values())
    assert card.users_with_one_event == sum(n == 1 for n in users.values())
    assert card.items_without_events == 9 - len(items)
    assert card.items_with_words == 9
    assert card.density == pytest.approx(len(rows) / (len(users) * len(items)))
    top = sorted(items.values(), reverse=True)[: max(1, len(items) // 10)]
    assert card.top_tenth_of_items == pytest.approx(sum(top) / len(rows))
    n = list(items.values())
    slow_gini = sum(abs(a - b) for a in n for b in n) / (2 * len(n) ** 2 * np.mean(n))
    assert card.gini == pytest.approx(slow_gini)
    if any(row[3] != 1 for row in rows):
        assert card.values is not None
        assert card.values.mean == pytest.approx(np.mean([row[3] for row in rows]))
    else:
        assert card.values is None
    if not timed:
        assert card.first_event is card.new_users is None
        return
    assert card.last_event == str(np.datetime64(max(row[2] for row in rows), "D"))
    times = sorted(row[2] for row in rows)
    cut = times[int((len(rows) - 1) * 0.9)]
    newest, known = [row for row in rows if row[2] > cut], {row[0] for row in rows if row[2] <= cut}
    if newest:
        assert card.new_users == pytest.approx(sum(row[0] not in known for row in newest) / len(newest))
    else:
        assert card.new_users is None


def test_the_card_round_trips_and_names_nobody() -> None:
    data = made([(1, 2, 3, 4), (1, 3, 4, 1)], timed=True)
    card = data_card(data)
    assert DataCard.model_validate_json(card.model_dump_json()) == card
    text = card_text(card)
    days = "1970-01-04 to 1970-01-05"
    for said in ("2 events of 1 people", "Kinds: view 1, buy 1", card.fingerprint, "not stated", days):
        assert said in text
    for name in ("u1", "i2", "Thing"):
        assert name not in card.model_dump_json()
        assert name not in text


def test_an_empty_data_set_has_a_card() -> None:
    data = made([(1, 2, 3, 4)], timed=True)
    assert data_card(data.where(np.zeros(1, np.bool_))).events == 0


def test_the_card_travels_with_the_bundle(tmp_path: Path) -> None:
    data = worlds.parity(n_users=30)
    pipeline = Pipeline(PipelineConfig(recalls=(RecallConfig(model="popular"),))).fit(data, Run(seed=0))
    version = save_bundle(tmp_path, pipeline, data)
    bundle = load_bundle(tmp_path / version)
    assert bundle.manifest.data_card == data_card(data)
    text = (tmp_path / version / "card.md").read_text(encoding="utf-8")
    assert f"Fingerprint `{data.fingerprint}`" in text
    assert "Events per person" in text
    manifest = json.loads((tmp_path / version / "manifest.json").read_text())
    assert manifest["data_card"]["events"] == len(data)
