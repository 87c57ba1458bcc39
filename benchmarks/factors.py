"""How fast factors are learned and people folded in: events a second of each kernel, milliseconds a guest.

python -m benchmarks factors    on as many made-up events as ml-1m has, with its numbers of people and items
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE, ITEMS, EVENTS = 6040, 3706, 1_000_000


def run() -> dict[str, object]:
    from foretaste.models.factors.fold_in import ridge_rows
    from foretaste.models.factors.logistic_fold_in import LogisticFoldIn
    from foretaste.models.factors.sgd_kernels import logistic_epoch, skipgram_epoch, svd_epoch, svdpp_epoch

    rng = np.random.default_rng(0)
    user = np.sort(rng.integers(0, PEOPLE, EVENTS)).astype(np.int32)
    item = (ITEMS * rng.random(EVENTS) ** 3).astype(np.int32)
    rating = rng.integers(1, 6, EVENTS).astype(np.float32)
    offsets = np.searchsorted(user, np.arange(PEOPLE + 1))
    small, rate, mean = np.float32(0.05), np.float32(0.005), np.float32(3.5)
    state, one = np.array([1], np.uint64), np.zeros(1, np.float32)
    steps = (rate, small, small)

    def made(n: int, d: int) -> np.ndarray:
        return rng.normal(0, 0.1, (n, d)).astype(np.float32)

    def biases() -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(PEOPLE, np.float32), np.zeros(ITEMS, np.float32)

    order, people = rng.permutation(EVENTS), rng.permutation(PEOPLE)
    noise = rng.integers(0, ITEMS, 1 << 17).astype(np.int32)
    kernels: dict[str, tuple[Callable[..., object], tuple[object, ...]]] = {
        "svd, 100 factors": (
            svd_epoch,
            (order, user, item, rating, mean, made(PEOPLE, 100), made(ITEMS, 100), *biases(), *steps),
        ),
        "svdpp, 50 factors": (
            svdpp_epoch,
            (
                people,
                offsets,
                item,
                rating,
                mean,
                made(PEOPLE, 50),
                made(ITEMS, 50),
                made(ITEMS, 50),
                *biases(),
                *steps,
            ),
        ),
        "mf, 192 factors, 8 negatives": (
            logistic_epoch,
            (
                order,
                user,
                item,
                8,
                made(PEOPLE, 192),
                made(ITEMS, 192),
                *biases(),
                one,
                rate,
                small,
                state,
            ),
        ),
        "item2vec, 64 factors, window 10, 5 negatives": (
            skipgram_epoch,
            (people, offsets, item, 10, noise, 5, made(ITEMS, 64), made(ITEMS, 64), rate, state),
        ),
    }
    epochs = {}
    for name, (epoch, arguments) in kernels.items():
        began = perf_counter()
        epoch(*arguments)
        first = perf_counter() - began
        began = perf_counter()
        epoch(*arguments)
        seconds = perf_counter() - began
        epochs[name] = {"seconds_an_epoch": round(seconds, 3), "first_call_more": round(max(0.0, first - seconds), 2)}

    fold_in = LogisticFoldIn.of(
        made(ITEMS, 192), rng.normal(-3, 1, ITEMS).astype(np.float32), np.ones(ITEMS, np.float32), 8, 0.005, rng
    )
    taken = csr_array((np.ones(EVENTS, np.float32), (user, item)), shape=(PEOPLE, ITEMS))
    taken.data[:] = 1
    vectors = made(ITEMS, 100)
    folding = {
        "svd, one guest of 20 ratings, ms": _milliseconds(
            lambda: ridge_rows(vectors[item[:20]], np.array([0, 20]), rating[:20], 0.1)
        ),
        "svd, 1,000 people, ms": _milliseconds(
            lambda: ridge_rows(vectors[item[: offsets[1000]]], offsets[:1001], rating[: offsets[1000]], 0.1), times=1
        ),
        "mf, one guest, ms": _milliseconds(lambda: fold_in(taken[:1])),
        "mf, 1,000 people, ms": _milliseconds(lambda: fold_in(taken[:1000]), times=1),
    }
    return {"events": EVENTS, "epochs": epochs, "fold_in": folding}


def _milliseconds(work: Callable[[], object], times: int = 10) -> float:
    work()
    began = perf_counter()
    for _ in range(times):
        work()
    return round((perf_counter() - began) / times * 1e3, 2)
