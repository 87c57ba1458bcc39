"""Fit and evaluate one model, with time and memory: one row of a leaderboard."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from foretaste.evaluation.evaluator import METRICS, evaluate
from foretaste.evaluation.leaderboard import LeaderboardRow
from foretaste.evaluation.memory import PeakMemory
from foretaste.pipeline.pipeline import Pipeline
from foretaste.registry import model_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foretaste.config import Config
    from foretaste.data.dataset import Dataset
    from foretaste.data.splits import EvalQueries
    from foretaste.evaluation.beyond_accuracy_metrics import TrainingStatistics
    from foretaste.types import Run

PIPELINE = "pipeline"
AS_SERVED = "as served"
"""The row of the lists that users get: the pipeline with its stages, hiding the consumed items of each event kind."""


def build_model(name: str, settings: Mapping[str, Any]) -> Any:
    """A model of the registry, the pipeline, or the pipeline as it is served, with these settings; not yet fitted."""
    made: Any = Pipeline if name in (PIPELINE, AS_SERVED) else model_class(name)
    return made(made.config_class.parse(dict(settings), f"settings of {name}"))


def excludes_seen(name: str) -> bool | None:
    """`exclude_seen` of `evaluate` for a row: the pipeline as served excludes by itself; None follows the split."""
    return False if name == AS_SERVED else None


def measure_model(
    name: str,
    config: Config,
    learned_from: Dataset,
    eval_queries: EvalQueries,
    run: Run,
    *,
    validation: float | None = None,
    tried: Sequence[tuple[Config, float]] = (),
    validation_curve: Sequence[float] = (),
    metrics: Sequence[str] = METRICS,
    statistics: TrainingStatistics | None = None,
    fitted: dict[str, Any] | None = None,
) -> LeaderboardRow:
    """Fit a model and evaluate it.

    learned_from : the part to fit on
    validation : NDCG@10 on validation; trials and curve are noted in the row
    fitted     : the fitted model is added under its name; a pipeline takes its recalls from there without refitting
    """
    settings = config.model_dump(mode="json")
    model = build_model(name, settings)
    began = perf_counter()
    with PeakMemory() as peak:
        if isinstance(model, Pipeline):
            model.fit(learned_from, run, fitted=fitted)
        else:
            model.fit(learned_from, run)
        fit_seconds = perf_counter() - began
        result = evaluate(model, eval_queries, metrics, statistics=statistics, exclude_seen=excludes_seen(name))
    if fitted is not None:
        fitted[name] = model
    return LeaderboardRow(
        model=name,
        settings=settings,
        validation=validation,
        result=result,
        fit_seconds=fit_seconds,
        tried=tuple((setting.model_dump(mode="json"), score) for setting, score in tried),
        validation_curve=tuple(validation_curve),
        wall_seconds=perf_counter() - began,
        peak_megabytes=peak.megabytes,
    )
