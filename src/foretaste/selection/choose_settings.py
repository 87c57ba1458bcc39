"""Choosing on validation: each model's settings, then the merge weight of each source."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from foretaste.metrics.ranking import ndcg
from foretaste.models.recency import half_life_variants
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.merge import Union
from foretaste.registry import model_class, model_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.config import Config
    from foretaste.data.splits import EvalQueries, Split
    from foretaste.types import Candidates, IntArray, Run

WEIGHTS = (0.02, 0.1, 0.3, 1.0)
"""Merge weights tried for each source. The smallest affects only the tail of a list; a source that gets it is left
out, because it would cost time in every answer and change none."""
TIE_BREAK_WEIGHT = 1e-6
"""Weight of a source that is kept for users without a history: too small to change a list of a user with one."""
K = 10
DEPTH = 200
"""Candidates per model that are merged."""
MONITOR_QUERIES = 2_000
"""Validation queries on which a network is evaluated after each epoch."""


@dataclass(frozen=True)
class ModelChoice:
    """The chosen settings of one model.

    config : the settings that scored best on validation
    tried  : every setting with its validation NDCG@10
    lists  : its candidates for the validation queries
    validation_curve : its score after each epoch, on MONITOR_QUERIES of the queries; empty for what learns in one step
    """

    config: Config
    tried: tuple[tuple[Config, float], ...]
    lists: Candidates
    validation_curve: tuple[float, ...] = ()

    @property
    def score(self) -> float:
        return max(score for _, score in self.tried)


class ValidationMonitor:
    """Evaluates a model on some of the validation queries after each epoch, and keeps the scores."""

    def __init__(self, eval_queries: EvalQueries, most: int = MONITOR_QUERIES) -> None:
        self.few = eval_queries.sample(most)
        self.scores: list[float] = []

    def __call__(self, model: Any) -> float:
        score = score_of(model.recommend(self.few.queries, K, exclude=self.few.excluded), self.few)
        self.scores.append(score)
        return score


class FittedChoice(NamedTuple):
    """A chosen setting with its fitted model.

    chosen  : the setting that scored best on validation, and all that were tried
    model   : fitted on the training part with it
    seconds : time of that fit
    """

    chosen: ModelChoice
    model: Any
    seconds: float


def choose_settings(name: str, split: Split, run: Run) -> ModelChoice:
    """The best of a model's grid on validation."""
    return choose_model(name, model_class(name), model_class(name).grid, split, run).chosen


def choose_model(
    name: str,
    made: Any,
    configs: Sequence[Config],
    split: Split,
    run: Run,
    *,
    monitored: int = MONITOR_QUERIES,
) -> FittedChoice:
    """Fit every setting on the training part and evaluate it on validation, then the best one with several half-lives
    of the history; ties go to the first.

    made      : the class of the model, called with a setting
    monitored : validation queries on which a network is evaluated after each epoch
    """
    eval_queries = split.validation
    tried: list[tuple[Config, float]] = []
    best: tuple[float, Config, Any, Candidates, float, tuple[float, ...]] | None = None

    def consider(model: Any, config: Config, seconds: float, validation_curve: tuple[float, ...]) -> None:
        nonlocal best
        lists = model.recommend(eval_queries.queries, DEPTH, exclude=eval_queries.excluded)
        score = score_of(lists, eval_queries)
        tried.append((config, score))
        if best is None or score > best[0]:
            best = score, config, model, lists, seconds, validation_curve

    for number, config in enumerate(configs):
        began, monitor = perf_counter(), ValidationMonitor(eval_queries, monitored)
        model = made(config).fit(split.train, run.with_monitor(monitor))
        # `refit_config` has the number of epochs of early stopping, for a refit on more data without validation.
        consider(model, getattr(model, "refit_config", config), perf_counter() - began, tuple(monitor.scores))
        run.progress(f"choosing settings of {name}", number + 1, len(configs))
    assert best is not None
    _, _, model, _, seconds, validation_curve = best
    for other in half_life_variants(model):
        consider(other, other.config, seconds, validation_curve)
    _, config, model, lists, seconds, validation_curve = best
    return FittedChoice(ModelChoice(config, tuple(tried), lists, validation_curve), model, seconds)


def choose_weights(chosen: dict[str, ModelChoice], split: Split, config: PipelineConfig) -> PipelineConfig:
    """The pipeline whose merge weights score best on validation: each source in turn, the best source fixed at 1."""
    weights = merge_weights(chosen, split.validation, config.merge_constant)
    kept = {name for name, weight in weights.items() if weight > WEIGHTS[0]}
    # Validation queries have a history, and these sources are for users who have none yet.
    for_new_users = {name for name in weights if model_spec(name).new_users} - kept
    weights |= dict.fromkeys(for_new_users, TIE_BREAK_WEIGHT)
    # A source that adds nothing for known items may be the only one for new items; the cheapest is enough.
    for_new_items = sorted((name for name in weights if model_spec(name).new_items), key=_heaviness)[:1]
    recalls = [
        RecallConfig(model=name, settings=chosen[name].config.model_dump(mode="json"), weight=weight)
        for name, weight in weights.items()
        if name in kept | for_new_users | set(for_new_items)
    ]
    return config.model_copy(update={"recalls": tuple(recalls)})


def _heaviness(name: str) -> bool:
    """Whether a model holds more than a row for each item; False sorts first."""
    return model_spec(name).cost.memory != "items"


def merge_weights(chosen: dict[str, ModelChoice], eval_queries: EvalQueries, constant: float) -> dict[str, float]:
    """The weight of each model in reciprocal rank fusion, the best model first; `lists` answer `eval_queries`."""
    names = sorted(chosen, key=lambda name: -chosen[name].score)
    weights = {name: 1.0 if name == names[0] else WEIGHTS[0] for name in names}

    union = Union.of([chosen[name].lists.items for name in names])  # once, and not for every trial

    def score(trial: dict[str, float]) -> float:
        return _score(union.best([trial[name] for name in names], constant, K), eval_queries)

    for _ in range(2):
        for name in names[1:]:
            scores = [score({**weights, name: weight}) for weight in WEIGHTS]
            weights[name] = WEIGHTS[int(np.argmax(scores))]
    return weights


def score_of(lists: Candidates, eval_queries: EvalQueries) -> float:
    """NDCG@10 of the lists, by which settings are chosen."""
    return _score(lists.items[:, :K], eval_queries)


def _score(items: IntArray, eval_queries: EvalQueries) -> float:
    return float(np.nanmean(ndcg(items, eval_queries.relevant)))
