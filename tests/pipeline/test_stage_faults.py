"""Whatever a stage does, nothing hidden is offered, the answer comes, and the trace says what was left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import ConfigError, DataError
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.pipeline.stages.factors import scaled
from foretaste.pipeline.stages.fatigue import Fatigue
from foretaste.pipeline.stages.one_per_group import groups_of
from foretaste.registry import STAGES
from foretaste.serving.config import ServiceConfig
from foretaste.types import NO_ITEM, Candidates, Queries, Ragged, Run

if TYPE_CHECKING:
    from pathlib import Path


class Does:
    """A stage that does what it is told."""

    config = None

    def __init__(self, do: Any, extra: Any = 0) -> None:
        self.do, self.more = do, extra

    def extra(self, queries: Queries, n: int) -> Any:
        return self.more() if callable(self.more) else self.more

    def __call__(self, queries: Queries, candidates: Candidates, context: Any) -> Any:
        return self.do(candidates, context)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    config = PipelineConfig(recalls=(RecallConfig(model="ease"), RecallConfig(model="itemknn")), depth=20)
    return Pipeline(config).fit(worlds.parity(), Run())


@pytest.fixture(scope="module")
def one() -> Queries:
    return worlds.everyone(worlds.parity()).take(np.array([0, 1]))


def _write(candidates: Candidates, context: Any) -> Candidates:
    candidates.items[0, :3] = context.exclude.items[:3]
    return candidates


def _write_exclude(candidates: Candidates, context: Any) -> Candidates:
    context.exclude.items[:] = 0
    return candidates


def _with(code: int) -> Any:
    return lambda candidates, context: replace(candidates, items=np.full_like(candidates.items, code))


FAULTS = {
    "writes into the items": _write,
    "writes into what is excluded": _write_exclude,
    "gives nothing": lambda candidates, context: None,
    "gives an array": lambda candidates, context: candidates.items,
    "gives one row": lambda candidates, context: replace(candidates, items=candidates.items[:1]),
    "gives other shapes": lambda candidates, context: replace(candidates, scores=candidates.scores[:, :2]),
    "gives codes outside": _with(9_999),
    "gives negative codes": _with(-7),
    "gives floats": lambda candidates, context: replace(candidates, items=candidates.items.astype(float)),
    "raises": lambda candidates, context: 1 / 0,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_stage_at_fault_is_left_out(fault: str, pipeline: Pipeline, one: Queries) -> None:
    exclude = Ragged.from_rows([[2, 4, 6], [3, 5, 7]])
    plain = pipeline.recommend(one, 8, exclude=exclude)
    answer = pipeline.with_stages({"wild": Does(FAULTS[fault])}).answer(one, 8, exclude=exclude)
    np.testing.assert_array_equal(answer.candidates.items, plain.items)
    assert answer.degraded
    assert [(step.stage, step.outcome) for step in answer.trace if step.stage == "wild"] == [("wild", "failed")]


@pytest.mark.parametrize("extra", [lambda: 1 / 0, None, 1.5])
def test_a_stage_that_cannot_say_how_much_it_wants_is_left_out(extra: Any, pipeline: Pipeline, one: Queries) -> None:
    answer = pipeline.with_stages({"wild": Does(lambda c, x: c, extra)}).answer(one, 5)
    assert answer.degraded
    assert answer.candidates.items.shape == (2, 5)


def test_an_item_is_offered_once(pipeline: Pipeline, one: Queries) -> None:
    twice = Does(lambda candidates, context: candidates.append(candidates))
    items = pipeline.with_stages({"twice": twice}).recommend(one, 30).items
    for row in items:
        listed = row[row != NO_ITEM].tolist()
        assert len(listed) == len(set(listed))


def test_what_is_remembered_of_similar_items_cannot_be_changed(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match="read-only"):
        pipeline.most_similar(3)[:] = 0


def test_a_factor_below_one_never_moves_an_item_up() -> None:
    items = np.arange(5, dtype=np.int32)[None]
    candidates = Candidates.of_one_source(items, -np.arange(1.0, 6.0, dtype=np.float32)[None], "ranker")
    after = scaled(candidates, np.array([0]), np.array([1], np.int32), np.array([0.25]))
    assert after.items[0].tolist() == [0, 2, 3, 4, 1]


def test_a_second_source_that_fails_is_left_out_and_the_first_is_not(pipeline: Pipeline, one: Queries) -> None:
    class Bad:
        def recommend(self, *_: object, **__: object) -> Candidates:
            raise RuntimeError("no")

    recalls = dict(pipeline.recalls or {})
    answer = pipeline.with_recalls({**recalls, "itemknn": Bad()}).answer(one, 5)  # type: ignore[dict-item]
    assert answer.degraded
    assert ("recall:itemknn", "failed") in [(step.stage, step.outcome) for step in answer.trace]
    with pytest.raises(RuntimeError):
        pipeline.with_recalls({**recalls, "ease": Bad()}).answer(one, 5)  # type: ignore[dict-item]


def test_stages_that_were_changed_are_saved_as_they_are(pipeline: Pipeline, one: Queries, tmp_path: Path) -> None:
    pipeline.with_stages({"fatigue": Fatigue()}).save(tmp_path / "more")
    assert list(Pipeline.load(tmp_path / "more").stages) == ["fatigue"]
    Pipeline.load(tmp_path / "more").with_stages({}).save(tmp_path / "none")
    assert Pipeline.load(tmp_path / "none").stages == {}


def test_a_stage_whose_package_is_gone_is_missing_and_the_bundle_opens(pipeline: Pipeline, tmp_path: Path) -> None:
    one = worlds.everyone(worlds.parity()).take(np.array([0]))
    pipeline.with_stages({"fatigue": Fatigue()}).save(tmp_path)
    described = (tmp_path / "pipeline.json").read_text().replace('"fatigue"', '"gone"')
    (tmp_path / "pipeline.json").write_text(described)
    answer = Pipeline.load(tmp_path).answer(one, 5)
    assert answer.degraded
    assert ("gone", "missing") in [(step.stage, step.outcome) for step in answer.trace]


def test_groups_by_numbers_and_by_what_is_no_plain_value() -> None:
    frame = pl.DataFrame({"item": list("abcd"), "g": [1.0, float("nan"), None, 1.0], "l": [["x"], ["y"], [], None]})
    items = ItemTable(IdMap(list("abcd")), frame.drop("item"), None)
    assert groups_of(items, "g").tolist()[1:3] == [-1, -1]
    with pytest.raises(DataError, match="variants need one plain value"):
        groups_of(items, "l")


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        ([{"stage": "fatigue"}], "'fatigue' stands there more than once"),
        ([{"stage": "one_per_group", "settings": {"colum": "x"}}], "Did you mean 'column'"),
    ],
)
def test_settings_of_stages_are_refused_before_anything_is_trained(stages: list[Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ServiceConfig.parse({"stages": stages}, "foretaste.toml: [serve]")


def test_a_source_stands_in_a_pipeline_once() -> None:
    with pytest.raises(ConfigError, match="'ease' stands there more than once"):
        PipelineConfig(recalls=(RecallConfig(model="ease"), RecallConfig(model="ease", weight=0.1)))


@pytest.mark.parametrize("name", ["", "../../evil", "a b"])
def test_names_that_cannot_be_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a name"):
        STAGES.register(name, Fatigue)
    with pytest.raises(ConfigError, match="is no class"):
        STAGES.register("thing", Fatigue())  # type: ignore[arg-type]
    assert "thing" not in STAGES.all()
