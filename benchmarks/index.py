"""Recall against speed of the vector indexes: exact, by 8 bits first, over faiss and usearch, and both raw, in one run.

    python -m benchmarks index

Vectors are made up like trained item vectors (500 clusters in a 24-dimensional space, noise, length 1, width 128), and
queries like people: means of three items. The raw rows ask the very index ours is built on for exactly k items, so the
difference is what the exact second look costs and brings. One thread; memory is what the process grew by.
"""

from __future__ import annotations

import os
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.so_far import resumed
from foretaste.errors import ConfigError
from foretaste.index.approximate import ApproximateConfig, ApproximateIndex
from foretaste.index.exact import ExactIndex
from foretaste.index.int8_prefilter import Int8Prefilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.types import FloatArray, IntArray

SIZES = (100_000, 1_000_000)
WIDTH, K, QUERIES, BATCH = 128, 100, 500, 50


def run() -> dict[str, object]:
    return {
        "k": K,
        "width": WIDTH,
        "batch": BATCH,
        "load_before": os.getloadavg()[0],
        "sizes": list(resumed("index", {str(n): partial(_size, n) for n in SIZES}).values()),
    }


def made_up(n: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """(n, WIDTH) items and (QUERIES, WIDTH) people."""
    rng = np.random.default_rng(seed)
    latent = (2 * rng.normal(size=(500, 24)))[rng.integers(0, 500, n)] + rng.normal(size=(n, 24))
    items = (latent @ rng.normal(size=(24, WIDTH))).astype(np.float32)
    items += 0.5 * rng.normal(size=items.shape).astype(np.float32)
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    near = items[rng.integers(0, n, (QUERIES, 3))].mean(axis=1)
    return items, near.astype(np.float32)


def _size(n: int) -> dict[str, object]:
    import faiss
    import torch

    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    vectors, queries = made_up(n)
    began, before = perf_counter(), _rss_mb()
    exact = ExactIndex(vectors)
    rows: list[dict[str, object]] = []
    truth, _ = exact.search(queries, K)
    rows.append(
        _row("exact", 0, perf_counter() - began, _rss_mb() - before, lambda q: exact.search(q, K)[0], queries, truth)
    )
    began, before = perf_counter(), _rss_mb()
    shortlist = Int8Prefilter(vectors)
    built, grown = perf_counter() - began, _rss_mb() - before
    rows.append(_row("exact, 8 bits first", 0, built, grown, lambda q: shortlist.search(q, K)[0], queries, truth))
    for engine in ("faiss", "usearch"):
        began, before = perf_counter(), _rss_mb()
        try:
            index = ApproximateIndex.build(vectors, ApproximateConfig(engine=engine))
        except ConfigError as error:
            rows.append({"index": engine, "refused": str(error)})
            continue
        built, grown, raw = perf_counter() - began, _rss_mb() - before, index._engine
        rows.append(_row(f"foretaste {engine}", raw.effort, built, grown, partial(_searched, index), queries, truth))
        rows.append(_row(f"{engine} raw", raw.effort, None, None, partial(raw.propose, k=K), queries, truth))
        began = perf_counter()
        for i in range(100):
            index.put(np.array([n + i], np.int32), vectors[i : i + 1])
        rows[-2]["put_ms"] = round(10 * (perf_counter() - began), 3)
        began = perf_counter()
        index.delete(np.arange(100, dtype=np.int32))
        rows[-2]["delete_100_ms"] = round(1e3 * (perf_counter() - began), 2)
        del index, raw
    return {"vectors": n, "rows": rows}


def _row(
    name: str,
    effort: int,
    build: float | None,
    megabytes: int | None,
    search: Callable[[FloatArray], IntArray],
    queries: FloatArray,
    truth: IntArray,
) -> dict[str, Any]:
    found = np.concatenate([search(queries[i : i + BATCH]) for i in range(0, QUERIES, BATCH)])
    recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(found.tolist(), truth.tolist(), strict=True)])
    row: dict[str, Any] = {"index": name, "effort": effort, "recall@100": round(float(recall), 4)}
    for batch in (1, BATCH):
        began, asked = perf_counter(), 0
        while asked < QUERIES and perf_counter() - began < 10:
            search(queries[asked : asked + batch])
            asked += batch
        row[f"queries_per_second_{'one_by_one' if batch == 1 else 'in_batches'}"] = round(
            asked / (perf_counter() - began)
        )
    return row | {"build_seconds": None if build is None else round(build, 1), "memory_mb": megabytes}


def _searched(index: ApproximateIndex, vectors: FloatArray) -> IntArray:
    return index.search(vectors, K)[0]


def _rss_mb() -> int:
    import psutil

    return round(psutil.Process().memory_info().rss / 1e6)
