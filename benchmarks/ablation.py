"""What is each kind of knowledge about items worth? One thing is added at a time, everything else stays the same.

    python -m benchmarks ablation

text         sasrec on amazon-beauty with learned rows alone, then with titles and attributes
attributes   the same on amazon-sports, which has attributes and no titles
descriptions the same on frappe, whose apps have a title, a category and a line of description
pictures     content on the films of ml-latest-small-posters that have a poster: titles and genres, poster, both
encoder      content on amazon-beauty by the encoder as it came, after it read the catalogue (continued pretraining),
             fine-tuned on histories, and both one after the other
fusion       sasrec on amazon-beauty with learned rows, encoder and words, made one vector in each of four ways

The last event of each person is asked for among all items, what they have left out; settings and epochs are chosen on
the event before it (variant strict: that one is not learned from). Learned is from at most PEOPLE people, drawn by
the hash of their names. Every row has its protocol; differences are person by person, with 95 % intervals.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from benchmarks.so_far import resumed
from foretaste.data.dataset import Dataset
from foretaste.data.pictures import places_in
from foretaste.data.sources.folder import load_folder
from foretaste.data.splits import leave_last
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import bootstrap_interval, paired_difference
from foretaste.features.items import ItemFeaturesConfig
from foretaste.features.text import TextEncoderConfig
from foretaste.models.content.content import ContentConfig
from foretaste.models.content.tuned import TunedContentConfig
from foretaste.models.encoder_tuning.config import FineTuneConfig, PretrainConfig
from foretaste.models.sequence.sasrec import SasRecConfig
from foretaste.registry import model_class
from foretaste.training.config import TrainingConfig
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foretaste.config import Config
    from foretaste.data.splits import Split

DATA = Path(__file__).parents[2] / "shared" / "data"
PEOPLE = 3_000
WATCHED = 1_000
STOP = TrainingConfig(
    epochs=14, patience=3, least_steps=0, batch_events=512, learning_rate=3e-3, warm_up_steps=40, averaging=0.98
)
"""Few people and few epochs, so that all of it takes some twenty minutes: the rows of a part may be compared with each
other, and not with published figures. One recipe for every row."""
TUNING = TrainingConfig(
    epochs=2, least_steps=0, patience=1, batch_events=448, learning_rate=2e-3, warm_up_steps=20, averaging=0.95
)
READING = TrainingConfig(epochs=1, least_steps=0, batch_events=256, learning_rate=5e-4, warm_up_steps=5, averaging=0.0)
GUESSING = PretrainConfig(most_tokens=32, training=READING)
HALF_LIVES = (1.0, 2.0, 5.0, 20.0)


def run(
    parts: Sequence[str] = ("text", "attributes", "descriptions", "pictures", "encoder", "fusion"),
) -> dict[str, object]:
    return resumed("ablation", {part: PARTS[part] for part in parts})


def _text() -> dict[str, object]:
    return _networks(_some(load_folder(DATA / "amazon-beauty"), ("title", "attributes")))


def _attributes() -> dict[str, object]:
    return _networks(_some(load_folder(DATA / "amazon-sports"), ("attributes",)))


def _descriptions() -> dict[str, object]:
    return _networks(_some(load_folder(DATA / "frappe"), ("title", "category", "short_description")))


def _some(data: Dataset, columns: tuple[str, ...], people: int = PEOPLE) -> Dataset:
    """Some of the people, the items they took, and of these only the columns that are to be read."""
    names = data.users.names.gather(np.arange(min(people, data.n_users)))
    events = data.as_frame().filter(pl.col("user").is_in(names.implode())).drop("kind", "value")
    about = data.items.as_frame().select("item", *columns)
    about = about.filter(pl.col("item").is_in(events["item"].unique().implode()))
    return Dataset.from_frame(events, about, title="title" if "title" in columns else None, name=data.name)


def _networks(data: Dataset) -> dict[str, object]:
    steps = {
        "ids": SasRecConfig(training=STOP),
        "ids + encoder": SasRecConfig(texts=TextEncoderConfig(), training=STOP),
        "ids + words": SasRecConfig(words=True, training=STOP),
        "ids + encoder + words": SasRecConfig(texts=TextEncoderConfig(), words=True, training=STOP),
    }
    return _measured(data, "sasrec", {name: [config] for name, config in steps.items()}, "ids")


def _fusion() -> dict[str, object]:
    data = _some(load_folder(DATA / "amazon-beauty"), ("title", "attributes"))
    read = SasRecConfig(texts=TextEncoderConfig(), words=True, training=STOP)
    steps = {way: [read.model_copy(update={"fusion": way})] for way in ("sum", "concat", "gated", "attention")}
    return _measured(data, "sasrec", steps, "sum")


def _pictures() -> dict[str, object]:
    folder = DATA / "ml-latest-small-posters"
    data = load_folder(folder)
    places, _ = places_in(folder / "posters.parquet", data.items.ids.names)
    kept = data.as_frame().filter(pl.col("item").is_in(places["item"].implode()))
    about = data.items.as_frame().select("item", "title", "genres")
    about = about.join(places.rename({"picture": "poster"}), on="item", how="inner")
    about = about.filter(pl.col("item").is_in(kept["item"].unique().implode()))
    films = Dataset.from_frame(kept, about, title="title", name=data.name)
    reads = {
        "text": [(1.0, 0.0)],
        "picture": [(0.0, 1.0)],
        "text + picture": [(1.0, weight) for weight in (0.05, 0.1, 0.2, 0.5, 1.0)],
    }
    steps = {
        name: [
            ContentConfig(
                read=ItemFeaturesConfig(text=text, pictures=pictures, pieces=("title", "genres")), half_life_events=h
            )
            for text, pictures in weights
            for h in HALF_LIVES
        ]
        for name, weights in reads.items()
    }
    return _measured(films, "content", steps, "text")


def _encoder() -> dict[str, object]:
    data = _some(load_folder(DATA / "amazon-beauty"), ("title", "attributes"), PEOPLE // 2)
    read = ItemFeaturesConfig()
    tuning = FineTuneConfig(batches=20, training=TUNING)
    ways = {
        "fine-tuned": tuning,
        "continued pretraining, then fine-tuned": tuning.model_copy(update={"pretrain": GUESSING}),
    }
    steps: dict[str, Sequence[Config]] = {"frozen": [ContentConfig(read=read, half_life_events=h) for h in HALF_LIVES]}
    steps["continued pretraining"] = [ContentConfig(read=_after_reading(data), half_life_events=h) for h in HALF_LIVES]
    for name, tuning in ways.items():
        steps[name] = [TunedContentConfig(read=read, tuning=tuning)]
    return _measured(data, "content", steps, "frozen")


def _after_reading(data: Dataset) -> ItemFeaturesConfig:
    from foretaste.features.item_texts import item_texts
    from foretaste.models.encoder_tuning.pretrain import pretrain

    encoder = pretrain(item_texts(data.items), TextEncoderConfig(), GUESSING, Run())
    return ItemFeaturesConfig(encoder=encoder)


def _measured(data: Dataset, model: str, steps: Mapping[str, Sequence[Config]], first: str) -> dict[str, object]:
    split = leave_last(data)
    values: dict[str, np.ndarray] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name, grid in steps.items():
        began = perf_counter()
        best, config, validation = _best(model, grid, split)
        values[name] = evaluate(best, split.test, ("ndcg@10",)).per_user["ndcg@10"]
        rows[name] = {
            "validation": round(validation, 4),
            "ndcg@10": [round(x, 4) for x in bootstrap_interval(values[name])],
            "settings": config.model_dump(mode="json", exclude_defaults=True),
            "seconds": round(perf_counter() - began, 1),
        }
        if name != first:
            rows[name][f"above {first}"] = [round(x, 4) for x in paired_difference(values[name], values[first])]
        print(data.name, name, rows[name], flush=True)
    protocol = (
        f"{data.name}: {split.rule}, {len(split.test):,} people, all {data.n_items:,} items ranked, seen left out; "
        f"strict; model {model}; one seed; {data.n_users:,} people, few epochs, so to be compared only with one another"
    )
    return {"protocol": protocol, "rows": rows}


def _best(model: str, grid: Sequence[Config], split: Split) -> tuple[Any, Config, float]:
    watched = split.validation.sample(WATCHED)

    def monitor(half_trained: Any) -> float:
        return evaluate(half_trained, watched, ("ndcg@10",)).mean("ndcg@10")

    tried = []
    for config in grid:
        name = "content_tuned" if isinstance(config, TunedContentConfig) else model
        fitted = model_class(name)(config).fit(split.train, Run(monitor=monitor))
        tried.append((evaluate(fitted, split.validation, ("ndcg@10",)).mean("ndcg@10"), fitted, config))
    score, fitted, config = max(tried, key=lambda row: row[0])
    return fitted, config, score


PARTS = {
    "text": _text,
    "attributes": _attributes,
    "descriptions": _descriptions,
    "pictures": _pictures,
    "encoder": _encoder,
    "fusion": _fusion,
}
