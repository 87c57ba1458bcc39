"""Lists over 1,000,000 items, whose network looks its candidates up in an index: p99 below 40 ms?

    python -m benchmarks serving_large           about 15 minutes, most of it building; 6 GB of memory

The network is a SASRec of width 64 that has barely learned: how fast an answer is does not depend on how good it is.
Beside it stand the exact top-k of the same vectors alone, which a service without an index cannot beat, and the index
alone, with its recall.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.loadgen import closed_loop, get, open_loop
from benchmarks.serving import _timed, made, serving
from foretaste.index.topk import top_k
from foretaste.pipeline.bundle import load_current
from foretaste.pipeline.pipeline import RecallConfig
from foretaste.serving.nearest import Nearest, with_indexes

ITEMS, PEOPLE, SECONDS = 1_000_000, 20_000, 20.0
RECALLS = (
    RecallConfig(model="sasrec", settings={"training": {"epochs": 1, "least_steps": 1}, "loss": {"negatives": 256}}),
    RecallConfig(model="trending"),
)


def run(items: int = ITEMS) -> dict[str, object]:
    result: dict[str, object] = {"items": items, "recalls": [recall.model for recall in RECALLS]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        made(folder, items=items, people=PEOPLE, recalls=RECALLS)
        result["seconds_to_train_and_write"] = round(time.perf_counter() - began)
        result |= _alone(folder, items)
        for workers in (1, 2):
            with serving(folder, workers) as service:
                asyncio.run(closed_loop(service.port, _list, 4, 5))
                found: dict[str, Any] = {
                    "seconds_until_port": service.seconds_until_port,
                    "seconds_until_ready": service.seconds_until_ready,
                    "open_loop_25_per_second": asyncio.run(open_loop(service.port, _list, 25, SECONDS)).summary(),
                    "open_loop_50_per_second": asyncio.run(open_loop(service.port, _list, 50, SECONDS)).summary(),
                    "sustained": asyncio.run(closed_loop(service.port, _list, 8, SECONDS)).summary(),
                    "memory": service.memory(),
                }
                result[f"workers_{workers}"] = found
    return result


def _list(number: int) -> bytes:
    return get(f"/v1/users/u{number * 7919 % PEOPLE}/recommendations?n=10")


def _alone(folder: Path, items: int) -> dict[str, object]:
    """The vectors without a service: all of them looked at, and through the index, which is built here."""
    began = time.perf_counter()
    bundle = with_indexes(load_current(folder / "bundles"), above=min(items, 500_000), build=True)
    took = time.perf_counter() - began
    model: Any = (bundle.pipeline.recalls or {})["sasrec"]
    assert isinstance(model, Nearest), "no index was built: is faiss installed?"
    vectors = model.model.trained.vectors
    person = np.random.default_rng(0).standard_normal((1, vectors.shape[1]), np.float32)
    return {
        "seconds_to_build_the_index": round(took),
        "recall_of_the_index_at_100": round(model.index.recall, 4),
        "exact_top_200_alone_ms": _timed(lambda: top_k(person @ vectors.T, 200)),
        "index_top_200_alone_ms": _timed(lambda: model.index.search(person, 200)),
    }
