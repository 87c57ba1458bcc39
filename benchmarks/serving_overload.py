"""What happens when twice as much is asked as can be done: nobody may wait long, in vain or not, and nothing may grow.

    python -m benchmarks serving_overload [--folder DIR]        about 6 minutes, on a quiet machine; 4 with a shop

100,000 items, a sequence model and three recalls, as `serving`. The promises: what is refused is refused within 50 ms;
what is accepted has a p99 below three times that of a service at ease, which is asked 100 times a second; memory stays
flat; and within 5 s after the rush answers are as quick as before. Beside it stands a service that is asked ten times a
second. Times are the client's, on the same two cores as the service.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.loadgen import Measured, closed_loop, open_loop
from benchmarks.serving import _list, made_once, serving
from benchmarks.so_far import SoFar, kept_or_temporary

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.serving import Service

SECONDS = 30.0
IDLE_RATE, EASY_RATE = 10.0, 100.0
"""Requests per second at which they do not meet, and at which they seldom do."""
PROBES, PROBE_SECONDS = 20, 0.5


def run(seconds: float = SECONDS, folder: Path | None = None) -> dict[str, object]:
    so_far = SoFar("serving_overload")
    result: dict[str, object] = {}
    with kept_or_temporary(folder) as place:
        made_once(place)
        so_far.keep(result, "trained")
        for workers in (1, 2):
            with serving(place, workers) as service:
                result[f"workers_{workers}"] = _measured(service, seconds)
                so_far.keep(result, f"{workers} workers: {result[f'workers_{workers}']}")
    return result


def _measured(service: Service, seconds: float) -> dict[str, Any]:
    asyncio.run(closed_loop(service.port, _list, 8, 5))  # caches of the disk and of the allocator
    idle = asyncio.run(open_loop(service.port, _list, IDLE_RATE, seconds))
    easy = asyncio.run(open_loop(service.port, _list, EASY_RATE, seconds))
    most = asyncio.run(closed_loop(service.port, _list, 8, seconds / 2))
    sustained = most.statuses[200] / most.took
    before = _memory(service)
    rush = asyncio.run(open_loop(service.port, _list, 2 * sustained, seconds))
    during = _memory(service)
    ended = time.monotonic()
    again = [asyncio.run(open_loop(service.port, _list, IDLE_RATE, PROBE_SECONDS, seed=i)) for i in range(PROBES)]
    after = _memory(service)
    usual = _p99(idle)
    slow = [i for i, probe in enumerate(again) if probe.refused or max(probe.seconds, default=0.0) > 1.5 * usual]
    normal_after = 0.0 if not slow else (slow[-1] + 1) * PROBE_SECONDS
    return {
        "idle": idle.summary(),
        "at_ease": easy.summary(),
        "sustained_per_second": round(sustained, 1),
        "twice_that": rush.summary(),
        "refused_share": round(len(rush.refused) / max(1, len(rush.refused) + len(rush.seconds)), 3),
        "accepted_p99_over_p99_at_ease": round(_p99(rush) / _p99(easy), 2),
        "accepted_p99_over_idle_p99": round(_p99(rush) / usual, 2),
        "refused_within_50_ms": round(float(np.mean(np.array(rush.refused or [0.0]) <= 0.05)), 4),
        "normal_again_after_s": normal_after,
        "looked_for_s": round(time.monotonic() - ended, 1),
        "memory_mb": {"before": before, "at_the_end_of_the_rush": during, "ten_seconds_later": after},
    }


def _memory(service: Service) -> list[int]:
    return [told["uss"] for told in service.memory()]


def _p99(measured: Measured) -> float:
    return float(np.quantile(np.array(measured.seconds), 0.99))
