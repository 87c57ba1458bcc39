"""How fast catalogue texts are read: 1,000 titles of MovieLens 100K, each encoder, then again, then one changed.

    python -m benchmarks encoders

Then the posters of `ml-latest-small-posters`: how fast they are looked at, how often a title finds its poster among
those the linear map has not learned from, and what `content` recommends by text, by picture and by both
(leave-one-out over the films with a poster; the pictures' weight chosen on validation).

The bar: 1,000 items/s with the packaged model in bfloat16 on two cores. The rate is the best of five runs, each with
an empty cache and the model loaded; how long loading took stands beside it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from benchmarks.strata import bare
from foretaste.data.dataset import Dataset
from foretaste.data.pictures import picture_bytes, places_in
from foretaste.data.sources import load_source
from foretaste.data.sources.folder import load_folder
from foretaste.data.splits import leave_last
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import bootstrap_interval, paired_difference
from foretaste.features.image_text_map import fit_image_text_map, mean_reciprocal_rank
from foretaste.features.images import ImageEncoderConfig, image_encoder
from foretaste.features.item_texts import item_texts
from foretaste.features.items import ItemFeaturesConfig, encode_texts
from foretaste.features.language_models import language_model
from foretaste.features.text import TextEncoder, TextEncoderConfig
from foretaste.models.content.content import Content, ContentConfig
from foretaste.types import Run

ITEMS, TIMES = 1_000, 5
POSTERS = Path(__file__).parents[2] / "shared" / "data" / "ml-latest-small-posters"
WEIGHTS = (0.05, 0.1, 0.2, 0.5, 1.0)


def run() -> dict[str, object]:
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    items = load_source("movielens-100k").items
    titles, texts = item_texts(items, ["title"])[:ITEMS], item_texts(items)[:ITEMS]
    encoders = [
        TextEncoderConfig(),
        TextEncoderConfig(dtype="float32"),
        TextEncoderConfig(name="wordllama"),
    ]
    before = os.getloadavg()[0]
    rows = [
        {"texts": name} | _measured(config, some)
        for config in encoders
        for name, some in (("titles", titles), ("titles and genres", texts))
    ]
    return {
        "texts": len(texts),
        "threads": torch.get_num_threads(),
        "load_before": before,
        "encoders": rows,
        "pictures": _cold_pictures() if POSTERS.is_dir() else "skipped: no ../shared/data/ml-latest-small-posters",
    }


def _measured(config: TextEncoderConfig, texts: list[str]) -> dict[str, object]:
    began = perf_counter()
    language_model(config.name, config.dtype).vectors(texts[:64])
    loading = perf_counter() - began
    with tempfile.TemporaryDirectory() as name:
        took = [_seconds(config, Path(name) / str(i), texts) for i in range(TIMES)]
        warm, encoded_again = _counted(config, Path(name) / "0", texts)
        _, encoded_changed = _counted(config, Path(name) / "0", [*texts[:-1], f"{texts[-1]} (restored)"])
    return {
        "encoder": config.name,
        "dtype": config.dtype,
        "load_seconds": round(loading, 1),
        "items_per_second": round(len(texts) / min(took)),
        "items_per_second_of_each_run": [round(len(texts) / seconds) for seconds in took],
        "encoded_in_second_run": encoded_again,
        "second_run_items_per_second": round(len(texts) / warm),
        "encoded_after_one_change": encoded_changed,
    }


def _seconds(config: TextEncoderConfig, folder: Path, texts: list[str]) -> float:
    return _counted(config, folder, texts)[0]


def _counted(config: TextEncoderConfig, folder: Path, texts: list[str]) -> tuple[float, int]:
    """Seconds, and how many texts the model read."""
    totals = [0]
    encoder = TextEncoder(config, folder)
    began = perf_counter()
    encoder.encode(texts, Run(progress=lambda what, done, total: totals.append(total)))
    return perf_counter() - began, totals[-1]


def _cold_pictures() -> dict[str, object]:
    """With a cache of its own, so that every picture is looked at, once."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["FORETASTE_CACHE"] = name
        return _pictures()


def _pictures() -> dict[str, object]:
    data = load_folder(POSTERS)
    data, _ = _with_posters(data)
    began = perf_counter()
    places = data.items.frame["poster"].to_list()
    looked = image_encoder(ImageEncoderConfig()).encode(picture_bytes(places), Run(), len(places))
    seconds = perf_counter() - began
    texts = encode_texts([bare(title) for title in data.items.titles()], TextEncoderConfig(), Run())
    test = np.random.default_rng(0).random(len(texts)) < 0.2
    fitted = fit_image_text_map(np.where(test[:, None], 0, looked.vectors), texts, Run())
    chance = float((1 / np.arange(1, test.sum() + 1)).mean())
    return {
        "posters": len(places),
        "missing": looked.missing,
        "broken": looked.broken,
        "pictures_per_second": round(len(places) / seconds, 1),
        "title_finds_poster_mrr": round(mean_reciprocal_rank(fitted(looked.vectors[test]), texts[test]), 4),
        "by_chance": round(chance, 4),
        "among": int(test.sum()),
        "content": _content(data),
    }


def _with_posters(data: Dataset) -> tuple[Dataset, int]:
    """The events of films that have a poster, and where each poster is."""
    places, _ = places_in(POSTERS / "posters.parquet", data.items.ids.names)
    kept = data.as_frame().filter(pl.col("item").is_in(places["item"].implode()))
    about = data.items.as_frame().select("item", "title", "genres")
    about = about.join(places.rename({"picture": "poster"}), on="item", how="inner")
    about = about.filter(pl.col("item").is_in(kept["item"].unique().implode()))
    return Dataset.from_frame(kept, about, title="title", name="posters"), len(places)


def _content(data: Dataset) -> dict[str, object]:
    split = leave_last(data)
    reads = {"text": (1.0, 0.0), "picture": (0.0, 1.0)} | {f"text + {w} picture": (1.0, w) for w in WEIGHTS}
    validation: dict[str, float] = {}
    test: dict[str, np.ndarray] = {}
    for name, (text, pictures) in reads.items():
        config = ContentConfig(read=ItemFeaturesConfig(text=text, pictures=pictures, pieces=("title", "genres")))
        model = Content(config).fit(split.refit, Run())  # nothing but the catalogue is read: no event is learned from
        validation[name] = float(evaluate(model, split.validation).per_user["ndcg@10"].mean())
        test[name] = evaluate(model, split.test).per_user["ndcg@10"]
    both = max((name for name in reads if "+" in name), key=lambda name: validation[name])
    return {
        "people": len(split.test),
        "ndcg@10_validation": {name: round(score, 4) for name, score in validation.items()},
        "ndcg@10_test": {
            name: [round(x, 4) for x in bootstrap_interval(test[name])] for name in ("text", "picture", both)
        },
        "both_above_text": [round(x, 4) for x in paired_difference(test[both], test["text"])],
    }
