"""Lists over 1,000,000 items, whose network looks its candidates up in an index: p99 below 40 ms?

    python -m benchmarks serving_large [--folder DIR]        about 12 minutes, most of it building; 6 GB of memory

The network is a SASRec of width 64 that has barely learned, in one epoch of large batches: how fast an answer is does
not depend on how good it is. But somebody took every item, so that the network knows them all. Beside it stand the
exact top-k of the same vectors alone, all of them read or by way of a shortlist, and the index alone, with its recall.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.loadgen import closed_loop, get, open_loop
from benchmarks.serving import _timed, made_once, serving
from benchmarks.so_far import SoFar, kept_or_temporary
from foretaste.index.int8_prefilter import Int8Prefilter
from foretaste.index.topk import top_k
from foretaste.pipeline.bundle import load_current
from foretaste.pipeline.config import RecallConfig
from foretaste.serving.world.indexes import Indexed, with_indexes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.serving import Service

ITEMS, PEOPLE, EACH, SECONDS = 1_000_000, 60_000, 25, 20.0
TRAINING = {"epochs": 1, "least_steps": 1, "batch_events": 50_000}
RECALLS = (
    RecallConfig(model="sasrec", settings={"training": TRAINING, "loss": {"negatives": 256}}),
    RecallConfig(model="trending"),
)


def run(
    items: int = ITEMS, people: int = PEOPLE, seconds: float = SECONDS, folder: Path | None = None
) -> dict[str, object]:
    so_far = SoFar("serving_large")
    result: dict[str, object] = {"items": items, "recalls": [recall.model for recall in RECALLS]}
    with kept_or_temporary(folder) as place:
        began = time.perf_counter()
        made_once(place, items=items, people=people, each=EACH, recalls=RECALLS, all_taken=True)
        result["seconds_to_train_and_write"] = round(time.perf_counter() - began)
        so_far.keep(result, "trained")
        result |= _alone(place, items)
        so_far.keep(result, "index built and measured alone")
        for workers in (1, 2):
            with serving(place, workers) as service:
                found: dict[str, Any] = {}
                result[f"workers_{workers}"] = found
                for step in _steps(service, found, seconds):
                    so_far.keep(result, f"{workers} workers: {step} {found[step]}")
    return result


def _steps(service: Service, found: dict[str, Any], seconds: float) -> Iterator[str]:
    asyncio.run(closed_loop(service.port, _list, 4, 5))
    found["seconds_until_port"] = service.seconds_until_port
    found["seconds_until_ready"] = service.seconds_until_ready
    for rate in (25, 50):
        step = f"open_loop_{rate}_per_second"
        found[step] = asyncio.run(open_loop(service.port, _list, rate, seconds)).summary()
        yield step
    found["sustained"] = asyncio.run(closed_loop(service.port, _list, 8, seconds)).summary()
    yield "sustained"
    found["memory"] = service.memory()
    yield "memory"


def _list(number: int) -> bytes:
    return get(f"/v1/users/u{number * 7919 % PEOPLE}/recommendations?n=10")


def _alone(folder: Path, items: int) -> dict[str, object]:
    """The vectors without a service: all of them looked at, and through the index, which is built here."""
    began = time.perf_counter()
    bundle = with_indexes(load_current(folder / "bundles"), above=min(items, 500_000), build=True)
    took = time.perf_counter() - began
    model: Any = (bundle.pipeline.recalls or {})["sasrec"]
    assert isinstance(model, Indexed), "no index was built: is faiss installed?"
    vectors = model.model.trained.vectors
    person = np.random.default_rng(0).standard_normal((1, vectors.shape[1]), np.float32)
    shortlist = Int8Prefilter(vectors, model.model.trained.scorable)
    index: Any = model.index
    return {
        "share_of_items_known": round(float(model.model.trained.scorable.mean()), 4),
        "seconds_to_build_the_index": round(took),
        "recall_of_the_index_at_100": round(index.recall, 4),
        "exact_top_200_alone_ms": _timed(lambda: top_k(person @ vectors.T, 200)),
        "shortlist_top_200_alone_ms": _timed(lambda: shortlist.search(person, 200)),
        "index_top_200_alone_ms": _timed(lambda: index.search(person, 200)),
    }
