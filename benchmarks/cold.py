"""How well are items recommended that nobody has met? A tenth of the catalogue is held out of all training.

    python -m benchmarks cold

Each person is asked for the last new item they took, ranked among the new items alone (NDCG@10). New items are drawn by
the hash of their names; on ml-latest-small-posters they are the last by first appearance, and since only some forty
people took any, they are asked for all of them, before the first. As many further items are new
to the validation, by which every setting, the weights of the sums and the number of epochs are chosen.

tfidf, content       words and frozen language model: the better of the two is what the others are held against
..., plain mean      the same by the mean of the history, all events alike
profile_classifier   one linear model per person
content_metric       a space learned over words and language model
bridge               what people take together, carried over to new items by likeness
sum                  of standardised scores, weights by coordinate search
content_tuned        the language model fine-tuned on histories, and content_metric over it: only where asked for, since
                     it takes longer than all the others: benchmarks.cold.run(tuned=True)

One thread, some twenty minutes. Each data set is on disk when it is done, and a run that was killed goes on behind it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.so_far import resumed
from foretaste.data.sources.folder import load_folder
from foretaste.evaluation.cold_start import RestrictedToItems, item_cold_start, new_items
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import bootstrap_interval, paired_difference
from foretaste.features.items import ItemFeaturesConfig
from foretaste.index.topk import top_k
from foretaste.metrics.ranking import ndcg
from foretaste.models.content.bridge import BridgeConfig
from foretaste.models.content.content import ContentConfig
from foretaste.models.content.metric import ContentMetricConfig
from foretaste.models.content.profile_classifier import ProfileClassifierConfig
from foretaste.models.content.tfidf import TfidfConfig
from foretaste.models.encoder_tuning.config import FineTuneConfig
from foretaste.models.encoder_tuning.fine_tune import fine_tune
from foretaste.registry import model_class
from foretaste.training.config import TrainingConfig
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from foretaste.config import Config
    from foretaste.data.splits import EvalQueries, Split
    from foretaste.types import BoolArray, FloatArray

BRIDGES: tuple[dict[str, float], ...] = (
    {},
    {"half_life_events": 1.5},
    {"half_life_events": 8.0},
    {"behaviour": 2.0},
    {"neighbours": 20},
    {"words": 2.0, "behaviour": 1.5},
)
FOR_EVER = 1e9
"""A half-life in events under which all events count alike."""
DATA = Path(__file__).parents[2] / "shared" / "data"
READS = {
    "amazon-beauty": ("title", "attributes"),
    "amazon-sports": ("attributes",),
    "ml-latest-small-posters": ("title", "genres"),
}
BASELINES = ("tfidf", "content")
PLAIN = ("tfidf, plain mean", "content, plain mean")
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)
ASKED = 4_000
"""Validation questions by which settings and weights are chosen, drawn by a hash."""
WATCHED = 2_000
TUNING = FineTuneConfig(
    layers=1,
    most_tokens=48,
    batches=50,
    training=TrainingConfig(
        epochs=3, least_steps=0, batch_events=448, learning_rate=2e-3, warm_up_steps=20, averaging=0.98
    ),
)
"""Epochs by validation on amazon-beauty: 0.1102, 0.1171, 0.1173; stopped by hand in the fourth."""


def run(names: Sequence[str] = tuple(READS), *, tuned: bool = False) -> dict[str, object]:
    """tuned : with the fine-tuned language model"""

    def part(name: str) -> Callable[[], object]:
        return lambda: _of(name, tuned) if (DATA / name).is_dir() else "skipped"

    return resumed("cold", {name: part(name) for name in names})


def split_of(name: str) -> tuple[Split, BoolArray, BoolArray]:
    data = load_folder(DATA / name)
    new = new_items(data, by_first_event=data.time is not None)
    split = item_cold_start(data, *new, every=data.time is not None)
    return replace(split, validation=split.validation.sample(ASKED)), *new


def grids(split: Split, pieces: tuple[str, ...], tuned: bool) -> dict[str, Sequence[tuple[str, Config]]]:
    """What is tried for each row: models with their settings."""
    read = ItemFeaturesConfig(pieces=pieces)
    bridge = BridgeConfig(read=read, words=1.0, behaviour=1.0)
    further: dict[str, Sequence[tuple[str, Config]]] = {}
    if tuned:
        tuning = TUNING.model_copy(update={"pieces": pieces})
        taught = ItemFeaturesConfig(pieces=pieces, encoder=fine_tune(split.train, tuning, Run()).encoder)
        further["content_tuned"] = [
            ("content", ContentConfig(read=taught, half_life_events=half_life)) for half_life in (1.0, 3.0)
        ]
        further["content_metric, fine-tuned"] = [("content_metric", ContentMetricConfig(read=taught))]
    return {
        "tfidf": [("tfidf", TfidfConfig(columns=pieces, half_life_events=h)) for h in (1.0, 2.0, 3.0, 10.0)],
        "tfidf, plain mean": [("tfidf", TfidfConfig(columns=pieces, half_life_events=FOR_EVER))],
        "content": [("content", ContentConfig(read=read, half_life_events=h)) for h in (1.0, 2.0, 5.0)],
        "content, plain mean": [("content", ContentConfig(read=read, half_life_events=FOR_EVER))],
        "profile_classifier": [
            ("profile_classifier", ProfileClassifierConfig(read=read, half_life_events=h, shrinkage=0.1))
            for h in (2.0, 10.0)
        ],
        "content_metric": [("content_metric", ContentMetricConfig(read=read))],
        "bridge": [("bridge", bridge.model_copy(update=change)) for change in BRIDGES],
        **further,
    }


def scored(
    split: Split, new: tuple[BoolArray, BoolArray], grid: Sequence[tuple[str, Config]]
) -> tuple[FloatArray, FloatArray, dict[str, Any]]:
    """Scores of the new items, (B, C) for validation and test, of the setting that is best on validation."""
    watched = split.validation.sample(WATCHED)

    def monitor(half_trained: Any) -> float:
        return evaluate(RestrictedToItems(half_trained, new[0]), watched, ("ndcg@10",)).mean("ndcg@10")

    best: tuple[float, FloatArray, Any, Config] | None = None
    began = perf_counter()
    for model, config in grid:
        watch = monitor if model == "content_metric" else None
        fitted = model_class(model)(config).fit(split.train, Run(monitor=watch))
        scores = _scores(fitted, split.validation, new[0])
        score = float(gains(scores, split.validation, new[0]).mean())
        if best is None or score > best[0]:
            best = (score, scores, fitted, config)
    assert best is not None
    about = {
        "validation": round(best[0], 4),
        "settings": best[3].model_dump(mode="json", exclude_defaults=True),
        "seconds": round(perf_counter() - began, 1),
    }
    return best[1], _scores(best[2], split.test, new[1]), about


def _scores(model: Any, questions: EvalQueries, new: BoolArray) -> FloatArray:
    items = np.tile(np.flatnonzero(new).astype(np.int32), (len(questions), 1))
    found: FloatArray = np.nan_to_num(model.score(questions.queries, items), nan=-1e9)
    return found


def gains(scores: FloatArray, questions: EvalQueries, new: BoolArray) -> np.ndarray:
    """(B,) NDCG@10 of the new items in the order of these scores (B, C)."""
    places, _ = top_k(scores, 10)
    return ndcg(np.flatnonzero(new)[places].astype(np.int32), questions.relevant)


def _standard(scores: FloatArray) -> FloatArray:
    known = np.where(scores < -1e8, np.nan, scores)
    spread = np.maximum(np.nanstd(known, axis=1, keepdims=True), 1e-9)
    found: FloatArray = np.nan_to_num((known - np.nanmean(known, axis=1, keepdims=True)) / spread)
    return found


def _of(name: str, tuned: bool) -> dict[str, object]:
    split, *new = split_of(name)
    masks = (new[0], new[1])
    kept = {}
    for row, grid in grids(split, READS[name], tuned).items():
        kept[row] = scored(split, masks, grid)
        print(name, row, kept[row][2], flush=True)
    return table(name, split, masks, kept)


def table(
    name: str, split: Split, new: tuple[BoolArray, BoolArray], kept: dict[str, tuple[FloatArray, FloatArray, Any]]
) -> dict[str, object]:
    rows = {row: dict(about) for row, (_, _, about) in kept.items()}
    values = {row: gains(test, split.test, new[1]) for row, (_, test, _) in kept.items()}
    names = sorted(kept, key=lambda row: -rows[row]["validation"])
    parts = {row: _standard(kept[row][0]) for row in names}
    weights = dict.fromkeys(names, 0.0) | {names[0]: 1.0}

    def summed(parts: Mapping[str, FloatArray]) -> FloatArray:
        return reduce(np.add, (np.float32(weights[row]) * part for row, part in parts.items() if weights[row]))

    for _ in range(2):
        for row in names[1:]:
            found = {}
            for weight in WEIGHTS:
                weights[row] = weight
                found[weight] = float(gains(summed(parts), split.validation, new[0]).mean())
            weights[row] = max(found, key=lambda weight: found[weight])
    rows["sum"] = {
        "validation": round(float(gains(summed(parts), split.validation, new[0]).mean()), 4),
        "settings": {row: weight for row, weight in weights.items() if weight},
    }
    heard = {row: _standard(kept[row][1]) for row in names if weights[row]}
    values["sum"] = gains(summed(heard), split.test, new[1])
    better = max(BASELINES, key=lambda row: values[row].mean())
    for row, of_people in values.items():
        rows[row]["ndcg@10"] = [round(x, 4) for x in bootstrap_interval(of_people)]
        for mean in PLAIN:
            rows[row][f"times {mean}"] = _times(of_people, values[mean])
        if row != better:
            rows[row][f"above {better}"] = [round(x, 4) for x in paired_difference(of_people, values[better])]
            rows[row][f"times {better}"] = _times(of_people, values[better])
    return {
        "protocol": f"{name}: {split.rule}; {len(split.test):,} people, {int(new[1].sum()):,} new items ranked; "
        f"settings by {len(split.validation):,} questions about {int(new[0].sum()):,} other new items",
        "better baseline on the test": better,
        "rows": rows,
    }


def _times(values: np.ndarray, others: np.ndarray) -> float | None:
    return round(float(values.mean() / others.mean()), 3) if others.mean() > 0 else None
