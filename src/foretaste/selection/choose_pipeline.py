"""From data to a pipeline to ship: choose on validation, measure on the test part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from foretaste.data.splits import leave_last
from foretaste.errors import DataError
from foretaste.evaluation.beyond_accuracy_metrics import TrainingStatistics
from foretaste.evaluation.evaluator import METRICS
from foretaste.evaluation.intervals import paired_difference
from foretaste.evaluation.leaderboard import MAIN, EvaluationProtocol, Leaderboard, LeaderboardRow
from foretaste.evaluation.measure import AS_SERVED, PIPELINE, measure_model
from foretaste.evaluation.segments import segments_of
from foretaste.metrics.ranking import parse_metric
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.registry import FALLBACK, model_class, model_spec, models
from foretaste.selection.choose_settings import ModelChoice, choose_settings, choose_weights
from foretaste.selection.tuning import tune_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from foretaste.config import Config
    from foretaste.data.dataset import Dataset
    from foretaste.data.splits import Split
    from foretaste.pipeline.config import StageConfig
    from foretaste.types import Run

MAX_TEST_USERS = 5_000
"""More users would narrow intervals that are already below 0.01 NDCG, and cost minutes on a large catalogue."""
MIN_TEST_USERS = 20
"""With fewer test users, the order of the models is noise."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The outcome of a selection.

    config      : the pipeline to ship
    leaderboard : every model and the pipeline on the test queries; None where the data is too small to measure
    remarks     : what a reader should know, one sentence each
    """

    config: PipelineConfig
    leaderboard: Leaderboard | None
    remarks: tuple[str, ...]


def select_pipeline(
    data: Dataset,
    names: Sequence[str],
    run: Run,
    *,
    split: Split | None = None,
    variant: Literal["refit", "strict"] = "refit",
    budget: float | None = None,
    stages: Sequence[StageConfig] = (),
) -> Selection:
    """Choose every model's settings and the merge weights on validation, and measure all of it on the test part.

    stages : what the service does with the merged candidates; a row of its own measures the list users get
    budget : seconds to search for settings in; None tries the grid of each model
    """
    recalls = [name for name in _all_known(names) if not model_spec(name).baseline]
    baselines = [name for name, spec in models().items() if spec.baseline and not spec.needs]
    if not recalls:
        return _only_popular(stages, f"Only {' and '.join(names)} was selected: the pipeline recommends popular items.")
    split = split or leave_last(data)
    available = len(split.test)
    split = replace(split, validation=split.validation.sample(MAX_TEST_USERS), test=split.test.sample(MAX_TEST_USERS))
    if len(split.test) < MIN_TEST_USERS or len(split.validation) < MIN_TEST_USERS:
        remark = (
            f"Only {len(split.test)} users have enough events for a test query, too few to measure anything "
            f"({MIN_TEST_USERS} are needed): the pipeline has default settings and no leaderboard."
        )
        usual = tuple(RecallConfig(model=name, weight=model_spec(name).prior_weight) for name in recalls)
        return Selection(PipelineConfig(recalls=usual, stages=tuple(stages)), None, (remark,))
    chosen, remarks = _settings(recalls, split, run, budget)
    config = choose_weights(chosen, split, PipelineConfig())
    served = config.model_copy(update={"stages": tuple(stages)})
    learned_from = split.refit if variant == "refit" else split.train
    statistics = TrainingStatistics.of(learned_from)
    measured: list[tuple[str, Config]] = [
        *((name, chosen[name].config) for name in recalls),
        *((name, model_class(name).config_class()) for name in baselines),
        (PIPELINE, config),
        (AS_SERVED, served),
    ]
    rows: list[LeaderboardRow] = []
    fitted: dict[str, Any] = {}
    for name, settings in measured:
        choice = chosen.get(name)
        row = measure_model(
            name,
            settings,
            learned_from,
            split.test,
            run,
            validation=choice.score if choice else None,
            tried=choice.tried if choice else (),
            validation_curve=choice.validation_curve if choice else (),
            statistics=statistics,
            fitted=fitted,
        )
        if name in (PIPELINE, AS_SERVED):  # the time of its recalls is part of its own
            used = {recall.model for recall in config.recalls}
            row = replace(row, fit_seconds=row.fit_seconds + sum(r.fit_seconds for r in rows if r.model in used))
        rows.append(row)
        run.progress("measuring on the test part", len(rows), len(measured))
    protocol = EvaluationProtocol.of(split, variant, available).model_copy(update={"distance": statistics.distance})
    board = Leaderboard(protocol, tuple(rows), segments=segments_of(split.test, statistics))
    shipped = _shipped(served, board)
    return replace(shipped, remarks=(*shipped.remarks, *remarks))


def measure_models(
    names: Iterable[str],
    split: Split,
    run: Run,
    *,
    metrics: Sequence[str] = METRICS,
    main: str = MAIN,
    max_validation_users: int = MAX_TEST_USERS,
    max_test_users: int | None = MAX_TEST_USERS,
    budget: float | None = None,
) -> Leaderboard:
    """Each model alone: settings chosen on validation, trained on everything but the test part, measured on it.

    main             : the metric rows are ordered and compared by; measured even where `metrics` does not name it
    max_validation_users, max_test_users : limits on the users evaluated; None evaluates all test users
    budget           : seconds to search for the settings of all of them in; None tries the grid of each
    """
    # Misspelt names are refused before anything is trained.
    names = _all_known([names] if isinstance(names, str) else names)
    metrics = tuple(metrics) if main in metrics else (main, *metrics)
    for metric in metrics:
        parse_metric(metric)
    available = len(split.test)
    split = replace(
        split,
        validation=split.validation.sample(max_validation_users),
        test=split.test.sample(max_test_users or available),
    )
    if len(split.test) < MIN_TEST_USERS or len(split.validation) < MIN_TEST_USERS:
        raise DataError(
            f"Only {len(split.test)} users have a test query, too few to measure anything ({MIN_TEST_USERS} needed)."
        )
    statistics = TrainingStatistics.of(split.refit)
    found, remarks = _settings(names, split, run, budget)
    rows: list[LeaderboardRow] = []
    for name, chosen in found.items():
        row = measure_model(
            name,
            chosen.config,
            split.refit,
            split.test,
            run,
            validation=chosen.score,
            tried=chosen.tried,
            validation_curve=chosen.validation_curve,
            metrics=metrics,
            statistics=statistics,
        )
        rows.append(row)
        run.progress("measuring on the test part", len(rows), len(found))
    protocol = EvaluationProtocol.of(split, "refit", available).model_copy(update={"distance": statistics.distance})
    segments = segments_of(split.test, statistics)
    return Leaderboard(protocol, tuple(rows), main=main, segments=segments, remarks=remarks)


def _all_known(names: Iterable[str]) -> list[str]:
    """The names without repeats; UnknownNameError for an unknown one, before anything is trained."""
    known = list(dict.fromkeys(names))
    for name in known:
        model_spec(name)
    if not known:
        raise DataError(f"There is no model to measure; name one, such as '{FALLBACK}'.")
    return known


def _settings(
    names: Sequence[str], split: Split, run: Run, budget: float | None
) -> tuple[dict[str, ModelChoice], tuple[str, ...]]:
    if budget is None:
        return {name: choose_settings(name, split, run) for name in names}, ()
    tuned = tune_all(names, split, run, budget)
    return tuned.chosen, tuned.remarks


def _shipped(config: PipelineConfig, board: Leaderboard) -> Selection:
    """The pipeline, or popularity where nothing beats it.

    Decided on the test part: on validation the best of many settings looks better than it is, even on pure noise.
    """
    results = {row.model: row.result.per_user[MAIN] for row in board.rows}
    gain = paired_difference(results[PIPELINE], results[FALLBACK])
    apart = f"{gain.mean:+.4f} NDCG@10, interval {gain.low:+.4f} to {gain.high:+.4f}"
    if gain.low > 0:
        return Selection(config, board, (f"The pipeline beats popularity ({apart}) in a paired comparison.",))
    popular = _only_popular(
        config.stages, f"No model beats popularity on this data ({apart}): the bundle recommends popular items."
    )
    return Selection(popular.config, board, popular.remarks)


def _only_popular(stages: Sequence[StageConfig], remark: str) -> Selection:
    config = PipelineConfig(recalls=(RecallConfig(model=FALLBACK),), stages=tuple(stages))
    return Selection(config, None, (remark,))
