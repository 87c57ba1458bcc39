"""How well are items recommended that nobody has met? A tenth of the catalogue is held out of all training.

    python -m benchmarks cold

Each person is asked for the last new item they took, ranked among the new items alone (NDCG@10). New items are drawn by
the hash of their names; on ml-latest-small-posters they are the last by first appearance. As many further items are new
to the validation, by which every setting, the weights of the sums and the number of epochs are chosen.

tfidf, content       words and frozen language model: the better of the two is what the others are held against
content_tuned        the language model fine-tuned on histories
profile_classifier   one linear model per person
content_metric       a space learned over words and language model, as it came or fine-tuned
sum                  of standardised scores, weights by coordinate search
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.data.sources.folder import load_folder
from foretaste.evaluation.cold import Among, item_cold, new_items
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import of_difference, over_users
from foretaste.features.items import ItemFeaturesConfig
from foretaste.index.topk import top_k
from foretaste.metrics.ranking import ndcg
from foretaste.models.content.content import ContentConfig
from foretaste.models.content.metric import MetricConfig
from foretaste.models.content.profile_classifier import ProfileClassifierConfig
from foretaste.models.content.tfidf import TfidfConfig
from foretaste.models.content.tuned import TunedContentConfig
from foretaste.models.tuning.config import FineTuneConfig
from foretaste.models.tuning.fine_tune import fine_tune
from foretaste.registry import model_class
from foretaste.training.config import TrainingConfig
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.config import Config
    from foretaste.data.splits import Questions, Split
    from foretaste.types import BoolArray, FloatArray

DATA = Path(__file__).parents[2] / "shared" / "data"
READS = {
    "amazon-beauty": ("title", "attributes"),
    "amazon-sports": ("attributes",),
    "ml-latest-small-posters": ("title", "genres"),
}
BASELINES = ("tfidf", "content")
WEIGHTS = (0.0, 0.25, 0.5, 1.0)
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


def run(names: Sequence[str] = tuple(READS)) -> dict[str, object]:
    return {name: _of(name) if (DATA / name).is_dir() else "skipped" for name in names}


def split_of(name: str) -> tuple[Split, BoolArray, BoolArray]:
    data = load_folder(DATA / name)
    new = new_items(data, by_first_event=data.time is not None)
    return item_cold(data, *new), *new


def grids(split: Split, pieces: tuple[str, ...]) -> dict[str, Sequence[tuple[str, Config]]]:
    """What is tried for each row: models with their settings."""
    read = ItemFeaturesConfig(pieces=pieces)
    tuning = TUNING.model_copy(update={"pieces": pieces})
    tuned = ItemFeaturesConfig(pieces=pieces, encoder=fine_tune(split.train, tuning, Run()).encoder)
    return {
        "tfidf": [("tfidf", TfidfConfig(columns=pieces, half_life_events=h)) for h in (1.0, 2.0, 3.0, 10.0)],
        "content": [("content", ContentConfig(read=read, half_life_events=h)) for h in (1.0, 2.0, 5.0)],
        "content_tuned": [
            ("content_tuned", TunedContentConfig(read=read, tuning=TUNING)),
            *(("content", ContentConfig(read=tuned, half_life_events=h)) for h in (1.0, 3.0)),
        ],
        "profile_classifier": [
            ("profile_classifier", ProfileClassifierConfig(read=read, half_life_events=h, shrinkage=s))
            for h in (2.0, 10.0)
            for s in (0.1, 0.3)
        ],
        "content_metric": [("content_metric", MetricConfig(read=read))],
        "content_metric, fine-tuned": [("content_metric", MetricConfig(read=tuned))],
    }


def scored(
    split: Split, new: tuple[BoolArray, BoolArray], grid: Sequence[tuple[str, Config]]
) -> tuple[FloatArray, FloatArray, dict[str, Any]]:
    """Scores of the new items, (B, C) for validation and test, of the setting that is best on validation."""
    watched = split.validation.sample(WATCHED)

    def monitor(half_trained: Any) -> float:
        return evaluate(Among(half_trained, new[0]), watched, ("ndcg@10",)).mean("ndcg@10")

    tried: list[tuple[float, FloatArray, Any, Config]] = []
    began = perf_counter()
    for model, config in grid:
        watch = monitor if model == "content_metric" else None
        fitted = model_class(model)(config).fit(split.train, Run(monitor=watch))
        scores = _scores(fitted, split.validation, new[0])
        tried.append((float(gains(scores, split.validation, new[0]).mean()), scores, fitted, config))
    best = max(tried, key=lambda row: row[0])
    about = {
        "validation": round(best[0], 4),
        "settings": best[3].model_dump(mode="json", exclude_defaults=True),
        "seconds": round(perf_counter() - began, 1),
    }
    return best[1], _scores(best[2], split.test, new[1]), about


def _scores(model: Any, questions: Questions, new: BoolArray) -> FloatArray:
    items = np.tile(np.flatnonzero(new).astype(np.int32), (len(questions), 1))
    found: FloatArray = np.nan_to_num(model.score(questions.queries, items), nan=-1e9)
    return found


def gains(scores: FloatArray, questions: Questions, new: BoolArray) -> np.ndarray:
    """(B,) NDCG@10 of the new items in the order of these scores (B, C)."""
    places, _ = top_k(scores, 10)
    return ndcg(np.flatnonzero(new)[places].astype(np.int32), questions.relevant)


def _standard(scores: FloatArray) -> FloatArray:
    known = np.where(scores < -1e8, np.nan, scores)
    spread = np.maximum(np.nanstd(known, axis=1, keepdims=True), 1e-9)
    found: FloatArray = np.nan_to_num((known - np.nanmean(known, axis=1, keepdims=True)) / spread)
    return found


def _of(name: str) -> dict[str, object]:
    split, *new = split_of(name)
    masks = (new[0], new[1])
    kept = {row: scored(split, masks, grid) for row, grid in grids(split, READS[name]).items()}
    return table(name, split, masks, kept)


def table(
    name: str, split: Split, new: tuple[BoolArray, BoolArray], kept: dict[str, tuple[FloatArray, FloatArray, Any]]
) -> dict[str, object]:
    rows = {row: dict(about) for row, (_, _, about) in kept.items()}
    values = {row: gains(test, split.test, new[1]) for row, (_, test, _) in kept.items()}
    names = sorted(kept, key=lambda row: -rows[row]["validation"])
    parts = [(_standard(kept[row][0]), _standard(kept[row][1])) for row in names]
    weights = dict.fromkeys(names, 0.0) | {names[0]: 1.0}

    def summed(side: int) -> FloatArray:
        total: FloatArray = sum(
            weights[row] * part[side] for row, part in zip(names, parts, strict=True) if weights[row]
        )
        return total

    for _ in range(2):
        for row in names[1:]:
            found = {}
            for weight in WEIGHTS:
                weights[row] = weight
                found[weight] = float(gains(summed(0), split.validation, new[0]).mean())
            weights[row] = max(found, key=lambda weight: found[weight])
    rows["sum"] = {
        "validation": round(float(gains(summed(0), split.validation, new[0]).mean()), 4),
        "settings": {row: weight for row, weight in weights.items() if weight},
    }
    values["sum"] = gains(summed(1), split.test, new[1])
    better = max(BASELINES, key=lambda row: values[row].mean())
    for row, of_people in values.items():
        rows[row]["ndcg@10"] = [round(x, 4) for x in over_users(of_people)]
        if row != better:
            rows[row][f"above {better}"] = [round(x, 4) for x in of_difference(of_people, values[better])]
            rows[row][f"times {better}"] = round(float(of_people.mean() / values[better].mean()), 3)
    return {
        "protocol": f"{name}: {split.rule}; {len(split.test):,} people, {int(new[1].sum()):,} new items ranked; "
        f"settings by {len(split.validation):,} questions about {int(new[0].sum()):,} other new items",
        "better baseline on the test": better,
        "rows": rows,
    }
