"""How soon does a new person get good lists? People nobody has met, by their first one, two and three events.

    python -m benchmarks cold_people

A tenth of the people is held out for the test and as many for the validation; not one event of theirs is learned from.
Of each the first 1, 2 or 3 events are known, and the next thing they took is asked for among all items (NDCG@10).
Settings, and where networks stop, are chosen on the validation people, by the mean over the three numbers of events;
the weights of the merge, as `foretaste train` does, by their second event.
Writes a picture per data set beside the figures: benchmarks/results/cold_people-NAME.svg.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.so_far import resumed
from foretaste.data.sources.folder import load_folder
from foretaste.evaluation.cold_start import new_users
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import bootstrap_interval, paired_difference
from foretaste.evaluation.report.plots import Line, lines
from foretaste.evaluation.report.style import STYLE
from foretaste.features.items import ItemFeaturesConfig
from foretaste.features.text import TextEncoderConfig
from foretaste.metrics.ranking import ndcg
from foretaste.models.content.bridge import BridgeConfig
from foretaste.models.content.content import ContentConfig
from foretaste.models.content.metric import ContentMetricConfig
from foretaste.models.content.profile_classifier import ProfileClassifierConfig
from foretaste.models.content.tfidf import TfidfConfig
from foretaste.models.content.two_tower import TwoTowerConfig
from foretaste.models.sequence.sasrec import SasRecConfig
from foretaste.pipeline.config import PipelineConfig
from foretaste.pipeline.merge import reciprocal_rank
from foretaste.registry import model_class
from foretaste.selection.choose_settings import ModelChoice, choose_weights
from foretaste.training.config import TrainingConfig
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from foretaste.config import Config
    from foretaste.data.splits import EvalQueries, Split
    from foretaste.types import Candidates

DATA = Path(__file__).parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
EVENTS = (1, 2, 3)
READS = {"amazon-beauty": ("title", "attributes"), "ml-latest-small-posters": ("title", "genres")}
RIVALS = ("itemknn", "ease")
MERGED = "merge"
DEPTH = 200
WATCHED = 1_000
"""Validation people asked after each epoch, about their second event."""


def run(names: Sequence[str] = tuple(READS), models: Sequence[str] = ()) -> dict[str, object]:
    """models : only these, beside the rivals; all where none is named"""

    def part(name: str) -> Callable[[], object]:
        return lambda: _of(name, READS[name], models) if (DATA / name).is_dir() else "skipped"

    return resumed("cold_people", {name: part(name) for name in names})


def _settings(pieces: tuple[str, ...]) -> dict[str, Sequence[Config]]:
    read = ItemFeaturesConfig(pieces=pieces)
    stop = TrainingConfig(epochs=40, patience=4)
    return {
        "popular": model_class("popular").grid,
        "itemknn": model_class("itemknn").grid,
        "ease": model_class("ease").grid[:2],
        "tfidf": [TfidfConfig(columns=pieces, half_life_events=h) for h in (1.0, 2.0, 10.0)],
        "content": [ContentConfig(read=read, half_life_events=h) for h in (1.0, 2.0, 10.0)],
        "profile_classifier": [
            ProfileClassifierConfig(read=read, half_life_events=h, shrinkage=s) for h in (1.0, 10.0) for s in (0.1, 0.3)
        ],
        "content_metric": [ContentMetricConfig(read=read)],
        "bridge": [BridgeConfig(read=read, half_life_events=h) for h in (1.5, 3.0)],
        "two_tower": [TwoTowerConfig(training=stop)],
        "sasrec": [SasRecConfig(texts=TextEncoderConfig(), words=True, training=stop)],
    }


def _of(name: str, pieces: tuple[str, ...], models: Sequence[str]) -> dict[str, object]:
    data = load_folder(DATA / name)
    splits = {n: new_users(data, n) for n in EVENTS}
    values: dict[str, dict[int, np.ndarray]] = {}
    rows: dict[str, dict[str, Any]] = {}
    chosen: dict[str, ModelChoice] = {}
    lists: dict[str, dict[int, Candidates]] = {}
    for model, grid in _settings(pieces).items():
        if models and model not in (*models, *RIVALS):
            continue
        began = perf_counter()
        best, config, score = _best(model, grid, splits)
        values[model] = {n: evaluate(best, split.test, ("ndcg@10",)).per_user["ndcg@10"] for n, split in splits.items()}
        rows[model] = {
            "settings": config.model_dump(mode="json", exclude_defaults=True),
            "validation": round(score, 4),
            "seconds": round(perf_counter() - began, 1),
            "ndcg@10": {str(n): [round(x, 4) for x in bootstrap_interval(of_n)] for n, of_n in values[model].items()},
        }
        print(name, model, rows[model], flush=True)
        if model != "popular":
            chosen[model] = ModelChoice(config, ((config, score),), _lists(best, splits[2].validation))
            lists[model] = {n: _lists(best, split.test) for n, split in splits.items()}
    weights = {recall.model: recall.weight for recall in choose_weights(chosen, splits[2], PipelineConfig()).recalls}
    constant = PipelineConfig().merge_constant
    values[MERGED] = {
        n: score_each(
            reciprocal_rank({model: lists[model][n] for model in weights}, list(weights.values()), constant), split.test
        )
        for n, split in splits.items()
    }
    rows[MERGED] = {
        "weights": weights,
        "ndcg@10": {str(n): [round(x, 4) for x in bootstrap_interval(of_n)] for n, of_n in values[MERGED].items()},
    }
    for model, row in rows.items():
        for rival in RIVALS:
            if model not in RIVALS:
                row[f"above {rival}"] = {
                    str(n): [round(x, 4) for x in paired_difference(values[model][n], values[rival][n])] for n in EVENTS
                }
    picture = RESULTS / f"cold_people-{name}.svg"
    picture.write_text(_drawn(values), encoding="utf-8")
    return {
        "protocol": f"{splits[1].rule.split(',')[0]}, by their first events; the next thing they took, all "
        f"{data.n_items:,} items ranked, what they have left out; settings on {len(splits[1].validation):,} others",
        "people": {str(n): len(split.test) for n, split in splits.items()},
        "rows": rows,
        "picture": picture.name,
    }


def _lists(model: Any, questions: EvalQueries) -> Candidates:
    found: Candidates = model.recommend(questions.queries, DEPTH, exclude=questions.excluded)
    return found


def score_each(lists: Candidates, questions: EvalQueries) -> np.ndarray:
    """(B,) NDCG@10."""
    return ndcg(lists.items[:, :10], questions.relevant)


def _best(model: str, grid: Sequence[Config], splits: dict[int, Split]) -> tuple[Any, Config, float]:
    watched = splits[2].validation.sample(WATCHED)

    def monitor(half_trained: Any) -> float:
        return evaluate(half_trained, watched, ("ndcg@10",)).mean("ndcg@10")

    tried = []
    for config in grid:
        fitted = model_class(model)(config).fit(splits[1].train, Run(monitor=monitor))
        means = [evaluate(fitted, split.validation, ("ndcg@10",)).mean("ndcg@10") for split in splits.values()]
        tried.append((float(np.mean(means)), fitted, config))
    score, fitted, config = max(tried, key=lambda row: row[0])
    return fitted, config, score


def _drawn(values: dict[str, dict[int, np.ndarray]]) -> str:
    series = [
        Line(model, tuple(map(float, EVENTS)), tuple(float(of_n[n].mean()) for n in EVENTS), number, model in RIVALS)
        for number, (model, of_n) in enumerate(values.items())
    ]
    drawn = lines(series, "events known of a new person", "NDCG@10 of what they took next", from_zero=True)
    opening, _, rest = drawn.partition(">")
    return f"{opening}><style>{STYLE} svg {{ background: #fff; color: #222 }}</style>{rest}\n"
