"""Impressions, views before purchases and dislikes: what each event kind means for evaluation."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.data.dataset import Dataset
from foretaste.data.splits import by_time, leave_last
from foretaste.evaluation.beyond_accuracy_metrics import TrainingStatistics
from foretaste.evaluation.evaluator import evaluate
from foretaste.models.content.content import Content, ContentConfig
from foretaste.models.content.tfidf import Tfidf
from foretaste.models.neighbours.itemknn import ItemKNN
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.types import History, Queries, Run

SHOWN_BEFORE = 5


def log(kinds: tuple[str, ...], *, people: int = 60, clicks: int = 8, items: int = 40) -> Dataset:
    """Everybody does each of these kinds to an item, and then goes on to the next."""
    rng = np.random.default_rng(0)
    rows = []
    for person in range(people):
        for step, item in enumerate(rng.permutation(items)[:clicks]):
            rows += [(f"u{person}", f"i{item}", kind, step * 100 + person * 7 + at) for at, kind in enumerate(kinds)]
    return Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "kind", "time"], orient="row"))


@pytest.mark.parametrize("split", [leave_last, by_time])
def test_impressions_change_no_question(split) -> None:
    alone = split(log(("click",)))
    among = split(log(("shown",) * SHOWN_BEFORE + ("click",)))
    assert len(among.test) > 20
    assert abs(len(among.test) - len(alone.test)) <= 10, "a time split cuts a little elsewhere"
    assert not (among.train.kinds.weights[among.train.kind] == 0).any()
    if split is leave_last:
        np.testing.assert_array_equal(
            np.sort(among.test.relevant.indices), np.sort(alone.test.relevant.indices), "the same clicks are asked for"
        )


def test_to_buy_what_one_viewed_is_an_answer_and_may_be_offered() -> None:
    data = log(("view", "buy"))
    split = leave_last(data)
    assert len(split.test) == 60
    bought = data.kinds.code("buy")
    consumed = split.test.consumed_items
    assert (consumed.kind == bought).all(), "what was only viewed can still be bought, so lists may hold it"
    assert (split.test.queries.history.kind != bought).any()


def test_to_view_again_is_no_answer() -> None:
    rows = [(f"u{p}", f"i{i}", "view", t) for p in range(30) for t, i in enumerate([p % 7, 7, 8, 9, p % 7])]
    data = Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "kind", "time"], orient="row"))
    assert len(leave_last(data).test) == 0
    assert leave_last(data).test.hiding is None


def test_a_dislike_is_nobody_s_last_event() -> None:
    rows = [(f"u{p}", f"i{(p + t) % 20}", "like", t) for p in range(30) for t in range(5)]
    rows += [(f"u{p}", f"i{(p + 9) % 20}", "dislike", 9) for p in range(30)]
    data = Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "kind", "time"], orient="row"))
    split = leave_last(data)
    assert len(split.test) == 30
    assert (split.test.queries.history.lengths == 4).all(), "nor known before it was said"


def test_popularity_is_what_was_wanted() -> None:
    data = log(("shown", "click"))
    np.testing.assert_array_equal(
        TrainingStatistics.of(data).popularity, TrainingStatistics.of(log(("click",))).popularity
    )


@pytest.mark.parametrize("first", ["shown", "dislike"])
def test_what_goes_with_an_item_is_asked_as_something_wanted(first: str) -> None:
    liked = log(("like",))
    rows = [("u0", "i39", first, 0)]
    rows += [(f"u{u}", f"i{i}", "like", 1 + n) for n, (u, i) in enumerate(zip(liked.user, liked.item, strict=True))]
    data = Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "kind", "time"], orient="row"))
    assert data.kinds.names[0] == first
    assert data.kinds.names[data.kinds.usual] == "like"
    pipeline = Pipeline(PipelineConfig(recalls=(RecallConfig(model="itemknn"),))).fit(data, Run())
    found = pipeline.similar(np.arange(3, dtype=np.int32), 5)
    assert (found.items >= 0).all()
    assert not np.isnan(found.found_by[:, :, found.sources.index("itemknn")]).all(), "itemknn found some"


def test_impressions_make_nothing_older() -> None:
    data = log(("shown", "like"))
    liked, shown = data.kinds.usual, data.kinds.code("shown")
    model = Content(ContentConfig(half_life_events=2))
    model.kind_weight, model.kind_days = data.kinds.weights, np.full(len(data.kinds), np.inf, np.float32)
    plain = History.of_items([[1, 2]], liked)
    among = History.of_items([[1, 3, 3, 3, 2, 4, 4]], liked)
    among.kind[[1, 2, 3, 5, 6]] = shown
    alone, others = model.event_weights(plain), model.event_weights(among)
    np.testing.assert_allclose(others[[0, 4]], alone)
    assert not others[[1, 2, 3, 5, 6]].any()


def test_a_reason_fades_as_what_it_explains() -> None:
    rows = [(f"u{p}", f"i{i}", i) for p in range(9) for i in range(24)]
    said = ["old and worn things", *(f"other {i} word{i}" for i in range(1, 22)), "old", "old and worn things"]
    items = pl.DataFrame({"item": [f"i{i}" for i in range(24)], "title": said})
    data = Dataset.from_frame(pl.DataFrame(rows, schema=["user", "item", "time"], orient="row"), items)
    history = data.items.ids.codes([f"i{i}" for i in range(23)])
    offer = data.items.ids.codes(["i23"])
    model = Tfidf().fit(data, Run())

    def score(items: np.ndarray) -> float:
        return float(model.score(Queries.guests([items]), offer[None])[0, 0])

    parts = model.contributions(history, offer)[0]
    assert parts.argmax() == 22, "the newest"
    assert score(history) - score(history[:22]) > score(history) - score(history[1:])


def test_evaluation_offers_what_the_service_would() -> None:
    split = leave_last(log(("view", "buy")))
    model = ItemKNN().fit(split.refit, Run())
    lists = model.recommend(split.test.queries, 10, exclude=split.test.excluded).items
    result = evaluate(model, split.test)
    assert result.mean("recall@10") == pytest.approx(
        np.mean(
            [
                np.isin(row, list_).any()
                for row, list_ in zip(
                    np.split(split.test.relevant.indices, split.test.relevant.indptr[1:-1]), lists, strict=True
                )
            ]
        )
    )
