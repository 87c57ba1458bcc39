"""Merge, hiding, fallback, reasons and trace."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worlds
from foretaste.data.dataset import Dataset
from foretaste.errors import ConfigError, UnknownNameError
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.merge import Union, reciprocal_rank
from foretaste.pipeline.pipeline import Pipeline
from foretaste.types import NO_ITEM, Candidates, Queries, Ragged, Run

LISTS = st.lists(st.lists(st.integers(0, 8), max_size=5, unique=True), min_size=2, max_size=2)


def _candidates(rows: list[list[int]], width: int, name: str) -> Candidates:
    items = np.full((len(rows), width), NO_ITEM, np.int32)
    for b, row in enumerate(rows):
        items[b, : len(row)] = row
    scores = np.where(items == NO_ITEM, np.nan, 10.0 - np.arange(width)).astype(np.float32)
    return Candidates.of_one_source(items, scores, name)


@settings(deadline=None)
@given(LISTS, LISTS, st.floats(0.1, 3), st.floats(0.1, 3))
def test_merge_is_the_plain_formula(a: list[list[int]], b: list[list[int]], wa: float, wb: float) -> None:
    merged = reciprocal_rank({"a": _candidates(a, 5, "a"), "b": _candidates(b, 6, "b")}, [wa, wb], 60.0)
    for row in range(2):
        gains: dict[int, float] = {}
        for ranked, weight in ((a[row], wa), (b[row], wb)):
            for rank, item in enumerate(ranked, start=1):
                gains[item] = gains.get(item, 0.0) + weight / (60 + rank)
        expected = sorted(gains, key=lambda item: (-gains[item], item))
        found = merged.items[row][merged.items[row] != NO_ITEM].tolist()
        assert set(found) == set(expected)
        np.testing.assert_allclose([gains[i] for i in found], [gains[i] for i in expected], rtol=1e-9)
        for k, item in enumerate(found):
            ranks = merged.ranks[row, k].tolist()
            assert ranks == [
                (a[row].index(item) + 1) if item in a[row] else 0,
                (b[row].index(item) + 1) if item in b[row] else 0,
            ]
            assert np.isnan(merged.found_by[row, k]).tolist() == [item not in a[row], item not in b[row]]


MANY = st.lists(st.lists(st.integers(0, 30), max_size=8, unique=True), min_size=4, max_size=4)


@settings(deadline=None)
@given(MANY, MANY, MANY, st.lists(st.sampled_from([0.02, 0.1, 0.3, 1.0]), min_size=3, max_size=3), st.integers(1, 20))
def test_the_best_of_a_union_are_the_first_of_the_merge(
    a: list[list[int]], b: list[list[int]], c: list[list[int]], weights: list[float], k: int
) -> None:
    # Equal weights make equal scores: the same ranks in other lists.
    lists = {"a": _candidates(a, 8, "a"), "b": _candidates(b, 9, "b"), "c": _candidates(c, 8, "c")}
    union = Union.of([found.items for found in lists.values()])
    for trial in (weights, [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]):
        expected = reciprocal_rank(lists, trial, 60.0).head(k).items
        np.testing.assert_array_equal(union.best(trial, 60.0, k), expected)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline().fit(worlds.parity(), Run())


def test_what_was_bought_hides_and_what_was_viewed_may_return() -> None:
    events = pl.DataFrame(
        {
            "user": [f"u{u}" for u in range(20) for _ in range(4)],
            "item": [f"i{i}" for _ in range(20) for i in range(4)],
            "kind": ["buy", "view", "buy", "view"] * 20,
        }
    )
    data = Dataset.from_frame(events)
    found = Pipeline().fit(data, Run()).recommend(worlds.everyone(data), 4).items
    names = {data.items.ids.name(i) for i in found[found != NO_ITEM]}
    assert names == {"i1", "i3"}


def test_short_lists_are_filled_by_the_named_fallback_and_say_so(pipeline: Pipeline) -> None:
    answer = pipeline.answer(Queries.guests([[]]), 5, explain=True)
    assert (answer.candidates.items != NO_ITEM).all()
    assert answer.candidates.items[0].tolist() == pipeline.popular(5).tolist()
    assert answer.candidates.sources[-1] == "popular"
    assert answer.candidates.ranks[0, :, -1].tolist() == [1, 2, 3, 4, 5]
    assert "fallback:popular" in [step.stage for step in answer.trace]
    assert {reason.kind for item in answer.reasons[0] for reason in item} == {"popular"}


def test_reasons_name_what_the_person_did(pipeline: Pipeline) -> None:
    data = worlds.parity()
    queries = worlds.everyone(data)
    answer = pipeline.answer(queries, 5, explain=True)
    assert len(answer.reasons) == len(queries)
    for b in range(len(queries)):
        for item, reasons in zip(answer.candidates.items[b], answer.reasons[b], strict=True):
            assert reasons, "every item has a reason"
            for reason in reasons:
                assert reason.kind == "because"
                assert reason.item in queries.history.row(b)
                assert 0 < reason.share <= 1
                both = worlds.parity_of(data, np.array([item, reason.item]))
                assert both[0] == both[1]
    assert pipeline.answer(queries, 5).reasons is None


def test_a_click_changes_the_list(pipeline: Pipeline) -> None:
    data = worlds.parity()
    before = pipeline.recommend(Queries.guests([[0]]), 5).items[0]
    after = pipeline.recommend(Queries.guests([[0, int(before[0])]]), 5).items[0]
    assert before[0] not in after
    assert (worlds.parity_of(data, after) == worlds.parity_of(data, before)).all()


def test_the_trace_adds_up(pipeline: Pipeline) -> None:
    trace = pipeline.answer(worlds.everyone(worlds.parity()), 5, explain=True).trace
    assert [step.stage for step in trace] == ["recall:ease", "recall:itemknn", "merge", "explain"]
    assert all(step.seconds >= 0 for step in trace)


def test_a_deadline_drops_sources_but_never_the_first(pipeline: Pipeline) -> None:
    one = Queries.guests([[0]])
    late = Queries(one.user, one.history, deadline_seconds=0.0)
    answer = pipeline.answer(late, 5)
    assert answer.degraded
    assert (answer.candidates.items != NO_ITEM).all()
    assert not pipeline.answer(one, 5).degraded


def test_exclusions_of_the_request_are_kept_even_by_the_fallback(pipeline: Pipeline) -> None:
    best = pipeline.popular(3)
    answer = pipeline.answer(Queries.guests([[]]), 5, exclude=Ragged.from_rows([best]))
    assert not set(best) & set(answer.candidates.items[0])


def test_similar_items_share_parity(pipeline: Pipeline) -> None:
    data = worlds.parity()
    asked = np.arange(6, dtype=np.int32)
    found = pipeline.similar(asked, 4).items
    assert (worlds.parity_of(data, found.ravel()).reshape(6, 4) == worlds.parity_of(data, asked)[:, None]).all()
    assert not (found == asked[:, None]).any()


def test_a_wrong_name_is_answered_with_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'itemknn'"):
        RecallConfig(model="itemknm")
    wrong = PipelineConfig(recalls=(RecallConfig(model="ease", settings={"regularization": 3}),))
    with pytest.raises(ConfigError, match="Did you mean 'regularisation'"):
        Pipeline(wrong).fit(worlds.parity(), Run())


@pytest.mark.parametrize(
    "recalls", [(), (RecallConfig(model="ease", weight=0), RecallConfig(model="itemknn", weight=0))]
)
def test_a_pipeline_without_a_source_that_counts_is_refused(recalls: tuple[RecallConfig, ...]) -> None:
    with pytest.raises(ConfigError, match=r"recalls: no source has a weight above 0.*name one, such as 'popular'"):
        PipelineConfig(recalls=recalls)
    one = PipelineConfig(recalls=(*recalls, RecallConfig(model="popular")))
    pipeline = Pipeline(one).fit(worlds.parity(), Run())
    assert pipeline.recommend(Queries.guests([[]]), 5).items[0].tolist() == pipeline.popular(5).tolist()


@pytest.mark.parametrize("name", ["ease", "gfcf", "itemknn", "rp3beta", "userknn"])
def test_every_reason_of_a_source_that_can_explain_is_something_the_person_did(name: str) -> None:
    data = worlds.parity()
    queries = worlds.everyone(data)
    alone = Pipeline(PipelineConfig(recalls=(RecallConfig(model=name),))).fit(data, Run())
    answer = alone.answer(queries, 5, explain=True)
    for b, reasons in enumerate(answer.reasons):
        for reason in (reason for item in reasons for reason in item):
            assert (reason.kind, reason.source) == ("because", name)
            assert reason.item in queries.history.row(b)
        # What each thing speaks for adds up to the score.
        model, history = alone.recalls[name], np.unique(queries.history.row(b))
        items = answer.candidates.items[b]
        parts = model.contributions(history, items).sum(axis=1)
        np.testing.assert_allclose(
            parts, model.score(queries.take(np.array([b])), items[None])[0], rtol=1e-3, atol=1e-5
        )


def test_only_popularity_may_say_that_everyone_wants_it() -> None:
    data = worlds.parity()
    found = Pipeline(PipelineConfig(recalls=(RecallConfig(model="random"),), depth=3)).fit(data, Run())
    answer = found.answer(worlds.everyone(data), 6, explain=True)
    said = {(reason.kind, reason.source) for person in answer.reasons for item in person for reason in item}
    assert ("found", "random") in said
    assert said <= {("found", "random"), ("popular", "popular")}
