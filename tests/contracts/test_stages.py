"""What every stage promises. A new line in the registry of stages is tested here without a new test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import BundleError
from foretaste.pipeline.config import PipelineConfig, RecallConfig, StageConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.registry import RANKERS, STAGES, PartSpec
from foretaste.types import NO_ITEM, Candidates, History, Queries, Ragged, Run

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset

DAY = 86_400_000_000
SETTINGS: dict[str, dict[str, Any]] = {"one_per_group": {"column": "brand"}, "rank": {"ranker": "sum_of_sources"}}
"""What a stage cannot do without."""
N = 8


class SumOfSources:
    """A ranker as small as one can be: what many sources rank high is good; its weight is learned from rows."""

    from foretaste.config import Config as config_class  # noqa: N813

    weight: float | None = None

    def __init__(self, config: Any = None) -> None:
        self.config = config or self.config_class()

    def fit(self, rows: Any, run: Run) -> SumOfSources:
        self.weight = 1.0 + float(rows.labels.sum())
        return self

    def score(self, queries: Queries, candidates: Candidates) -> np.ndarray:
        gain = np.where(candidates.ranks > 0, 1.0 / np.maximum(candidates.ranks, 1), 0).sum(axis=2)
        scores = (self.weight or 0) * gain
        return np.where(candidates.items == NO_ITEM, np.nan, scores).astype(np.float32)

    def save(self, folder: Path | str) -> None:
        from foretaste.models.saving import write_model

        write_model(folder, self.config, {"weight": np.array([self.weight])})

    @classmethod
    def load(cls, folder: Path | str) -> SumOfSources:
        from foretaste.models.saving import read_model

        config, arrays = read_model(folder, cls.config_class)
        ranker = cls(config)
        ranker.weight = float(arrays["weight"][0])
        return ranker


@pytest.fixture(scope="module", autouse=True)
def _a_ranker() -> Any:
    RANKERS.register("sum_of_sources", SumOfSources)
    yield
    RANKERS.all().pop("sum_of_sources")
    RANKERS._own.pop("sum_of_sources")


@pytest.fixture(scope="module")
def world() -> Dataset:
    data = worlds.parity(n_users=80, n_items=60)
    brands = [f"b{i // 3}" if i % 5 else None for i in range(data.n_items)]
    frame = data.items.frame.with_columns(pl.Series("brand", brands))
    items = replace(data.items, frame=frame)
    return replace(data, items=items, time=np.arange(len(data), dtype=np.int64) * DAY)


@pytest.fixture(scope="module", params=list(STAGES.all()))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def trained(name: str, world: Dataset) -> Pipeline:
    return _fitted(world, name)


@pytest.fixture(scope="module")
def pipeline(trained: Pipeline, world: Dataset) -> Pipeline:
    """Four items came after the training; no stage may mind."""
    return _grown(trained, world)


def _grown(pipeline: Pipeline, world: Dataset) -> Pipeline:
    titles = [world.items.titles()[code] for code in (3, 8)]
    new = pl.DataFrame({"title": [*titles, "Something else", None], "brand": ["b1", None, "new", "new"]})
    ids = IdMap([*world.items.ids.names.to_list(), "n0", "n1", "n2", "n3"])
    frame = pl.concat([world.items.frame, new], how="diagonal")
    return pipeline.with_items(ItemTable(ids, frame, world.items.title), Run())


def _fitted(world: Dataset, *stages: str) -> Pipeline:
    config = PipelineConfig(
        recalls=(RecallConfig(model="ease"), RecallConfig(model="itemknn", weight=0.3)),
        depth=40,
        stages=tuple(StageConfig(stage=stage, settings=SETTINGS.get(stage, {})) for stage in stages),
    )
    return Pipeline(config).fit(world, Run(seed=0))


@pytest.fixture(scope="module")
def queries(world: Dataset) -> Queries:
    """Everybody, each of whom was shown some items often and rejected one; asked long after."""
    everyone = worlds.everyone(world)
    rng = np.random.default_rng(0)
    B, each = len(everyone), 12
    shown = History(
        np.repeat(rng.integers(0, world.n_items, (B, 3)), 4, axis=1).astype(np.int32).ravel(),
        np.arange(B + 1, dtype=np.int64) * each,
        np.full(B * each, len(world) * DAY, np.int64),
        np.zeros(B * each, np.uint8),
        np.ones(B * each, np.float32),
    )
    disliked = Ragged.from_rows(list(rng.integers(0, world.n_items, (B, 1)).astype(np.int32)))
    return replace(everyone, shown=shown, disliked=disliked, asked_at=np.full(B, (len(world) + 1) * DAY, np.int64))


def _same(one: Candidates, other: Candidates) -> None:
    np.testing.assert_array_equal(one.items, other.items)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-5)


def test_it_does_something_in_this_world(name: str, pipeline: Pipeline, queries: Queries) -> None:
    """Else nothing below would prove anything."""
    plain = pipeline.with_stages({}).recommend(queries, N)
    assert (plain.items != pipeline.recommend(queries, N).items).any()


def test_it_is_in_the_bundle_and_says_the_same_after(
    name: str, trained: Pipeline, pipeline: Pipeline, world: Dataset, queries: Queries, tmp_path: Path
) -> None:
    """A stage was silently gone after save and load."""
    trained.save(tmp_path)
    again = Pipeline.load(tmp_path)
    assert list(again.stages) == [name]
    assert again.stages[name].config == trained.stages[name].config
    _same(trained.recommend(queries, N), again.recommend(queries, N))
    _same(pipeline.recommend(queries, N), _grown(again, world).recommend(queries, N))
    with pytest.raises(BundleError, match="save the one it came from"):
        pipeline.save(tmp_path)


def test_what_is_excluded_or_not_allowed_is_never_offered(name: str, pipeline: Pipeline, queries: Queries) -> None:
    best = pipeline.recommend(queries, 3).items
    exclude = Ragged.from_rows(list(best))
    allowed = np.arange(pipeline.n_items) % 3 != 0
    items = pipeline.recommend(queries, N, exclude=exclude, allowed=allowed).items
    assert not (items[:, :, None] == best[:, None, :]).any()
    assert allowed[items[items != NO_ITEM]].all()


def test_short_lists_stay_short_and_repeat_nothing(name: str, pipeline: Pipeline, queries: Queries) -> None:
    few = np.zeros(pipeline.n_items, np.bool_)
    few[[0, 1, 2, 3, 4, -1]] = True
    found = pipeline.recommend(queries, N, allowed=few)
    assert found.items.shape[1] <= N
    for row in found.items:
        listed = row[row != NO_ITEM]
        assert len(listed) <= 6
        assert len(set(listed.tolist())) == len(listed)
        assert (row[len(listed) :] == NO_ITEM).all()
    assert np.isnan(found.scores[found.items == NO_ITEM]).all()


def test_columns_and_ranks_go_with_their_items(name: str, pipeline: Pipeline, queries: Queries) -> None:
    merged = pipeline.with_stages({}).answer(queries, 40).candidates
    marked = replace(merged, columns={"code": merged.items * 10, "pair": np.stack([merged.items] * 2, axis=2)})
    stage = pipeline.stages[name]
    context = _context(pipeline, queries)
    after = stage(queries, marked, context)
    here = (after.items[:, :, None] == merged.items[:, None, :]).any(axis=2) & (after.items != NO_ITEM)
    assert set(after.columns) >= {"code", "pair"}
    np.testing.assert_array_equal(after.columns["code"][here], after.items[here] * 10)
    np.testing.assert_array_equal(after.columns["pair"][here][:, 1], after.items[here])
    assert (after.columns["code"][~here] == NO_ITEM).all(), "of items that a stage adds nothing is known"
    for b in range(0, len(queries), 7):
        ranks = {int(i): r.tolist() for i, r in zip(merged.items[b], merged.ranks[b], strict=True)}
        for item, rank in zip(after.items[b], after.ranks[b], strict=True):
            if item != NO_ITEM and int(item) in ranks:
                assert rank[: len(merged.sources)].tolist() == ranks[int(item)]


def _context(pipeline: Pipeline, queries: Queries) -> Any:
    from foretaste.types import StageContext

    nothing = Ragged.from_rows([[] for _ in range(len(queries))])
    weights = pipeline.kinds.weights
    return StageContext(N, nothing, None, queries.asked_at, None, pipeline.most_similar, weights, pipeline._score_new)


def test_a_batch_is_its_people_one_by_one(name: str, pipeline: Pipeline, queries: Queries) -> None:
    together = pipeline.recommend(queries, N)
    for b in range(0, len(queries), 5):
        alone = pipeline.recommend(queries.take(np.array([b])), N)
        np.testing.assert_array_equal(alone.items[0], together.items[b])


def test_the_same_seed_gives_the_same_lists(name: str, world: Dataset, pipeline: Pipeline, queries: Queries) -> None:
    _same(_grown(_fitted(world, name), world).recommend(queries, N), pipeline.recommend(queries, N))


def test_nothing_of_after_the_question_counts(name: str, pipeline: Pipeline, queries: Queries) -> None:
    """An impression of after the question counts for no more than one of that moment."""
    assert queries.shown is not None
    later = replace(queries.shown, time=np.full(len(queries.shown.items), queries.asked_at[0] + DAY, np.int64))
    at_once = replace(queries.shown, time=np.full(len(queries.shown.items), queries.asked_at[0], np.int64))
    _same(pipeline.recommend(replace(queries, shown=later), N), pipeline.recommend(replace(queries, shown=at_once), N))


def test_it_ran_or_it_is_named(name: str, pipeline: Pipeline, queries: Queries) -> None:
    """A stage that is silently never called is a known sin of the field."""
    ran = pipeline.answer(queries, N)
    assert [(step.stage, step.outcome) for step in ran.trace if step.stage == name] == [(name, "ran")]
    assert not ran.degraded
    late = pipeline.answer(replace(queries, deadline_seconds=0.0), N)
    assert [(step.stage, step.outcome) for step in late.trace if step.stage == name] == [(name, "timed out")]
    assert late.degraded
    broken = pipeline.with_stages({name: Broken(pipeline.stages[name], ValueError("no"))})
    failed = broken.answer(queries, N)
    assert [(step.stage, step.outcome) for step in failed.trace if step.stage == name] == [(name, "failed")]
    assert failed.degraded
    _same(failed.candidates, pipeline.with_stages({}).recommend(queries, N))
    with pytest.raises(ValueError, match="no"):
        broken.recommend(queries, N)
    slow = pipeline.with_stages({name: Broken(pipeline.stages[name], TimeoutError())}).answer(queries, N)
    assert [(step.stage, step.outcome) for step in slow.trace if step.stage == name] == [(name, "timed out")]
    gone = pipeline.with_stages({}, missing=(name,)).answer(queries, N)
    assert [(step.stage, step.outcome) for step in gone.trace if step.stage == name] == [(name, "missing")]
    assert gone.degraded


class Broken:
    """Wants as many candidates as another, and raises."""

    def __init__(self, other: Any, error: Exception) -> None:
        self.config, self.other, self.error = other.config, other, error

    def extra(self, queries: Queries, n: int) -> int:
        return 0

    def __call__(self, *_: object) -> Candidates:
        raise self.error


class Spiteful:
    """Offers everything there is, the excluded first."""

    config = None

    def extra(self, queries: Queries, n: int) -> int:
        return 0

    def __call__(self, queries: Queries, candidates: Candidates, context: Any) -> Candidates:
        items = np.tile(np.arange(60, dtype=np.int32), (len(queries), 1))
        return Candidates.of_one_source(items, -items.astype(np.float32), "spite").append(candidates)


def test_no_stage_can_bring_back_what_is_hidden(world: Dataset, queries: Queries) -> None:
    pipeline = _fitted(world).with_stages({"spiteful": Spiteful()})
    allowed = np.arange(world.n_items) % 2 == 0
    exclude = Ragged.from_rows([[0, 2, 4]] * len(queries))
    found = pipeline.recommend(queries, 20, exclude=exclude, allowed=allowed)
    assert allowed[found.items[found.items != NO_ITEM]].all()
    assert not np.isin(found.items, [0, 2, 4]).any()
    had = queries.history
    for b in range(len(queries)):
        assert not set(had.row(b).tolist()) & set(found.items[b].tolist())


def test_a_stage_of_a_pipeline_is_there_once() -> None:
    from foretaste.errors import ConfigError, UnknownNameError

    with pytest.raises(ConfigError, match="'fatigue' stands there more than once"):
        PipelineConfig(stages=(StageConfig(stage="fatigue"), StageConfig(stage="fatigue")))
    with pytest.raises(UnknownNameError, match="Did you mean 'fatigue'"):
        StageConfig(stage="fatigues")


def test_specs_say_what_is_so() -> None:
    for name, spec in STAGES.all().items():
        assert isinstance(spec, PartSpec)
        assert spec.summary
        made = STAGES.load(name)
        assert spec.learns == hasattr(made, "fit_rows"), name
