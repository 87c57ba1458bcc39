"""From a CSV of a million events to a trained bundle: seconds and peak memory, step by step, on this machine.

python -m benchmarks scale [--events 1000000]
"""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl


def write_events(path: Path, events: int, users: int, items: int, seed: int = 0) -> None:
    """String ids; popularity falls like 1 / rank; people keep to a tenth of the catalogue."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, users, events)
    shelf = (user * 2_654_435_761 % 10) * (items // 10)
    item = (shelf + (items // 10) ** rng.random(events)).astype(np.int64) % items
    time = 1_700_000_000 + np.sort(rng.integers(0, 20_000_000, events))
    frame = pl.DataFrame({"customer": user, "sku": item, "time": time}).select(
        customer=pl.format("C{}", pl.col("customer").cast(pl.String).str.zfill(7)),
        sku=pl.format("SKU-{}", pl.col("sku").cast(pl.String).str.zfill(6)),
        time=pl.from_epoch("time").dt.strftime("%Y-%m-%d %H:%M:%S"),
        action=pl.Series(rng.choice(["view", "buy"], events, p=[0.8, 0.2])),
    )
    frame.write_csv(path)


def run(events: int = 1_000_000) -> dict[str, object]:
    from foretaste.data.project.guess import guess_project, load_dataset, write_project
    from foretaste.project import train_on
    from foretaste.types import Run

    steps: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_events(folder / "events.csv", events, max(100, events // 10), max(100, events // 20))
        began = since = perf_counter()

        def step(what: str) -> None:
            nonlocal since
            now = perf_counter()
            steps.append({"step": what, "seconds": round(now - since, 1), "peak_gb": round(peak_gb(), 2)})
            print(steps[-1], flush=True)
            since = now

        config, _ = guess_project(folder / "events.csv")
        write_project(folder, config)
        step("guess the columns")
        data, report = load_dataset(config, folder)
        step("read and check into a Dataset")
        assert report.counts["events"] == events
        train_on(folder, data, Run(seed=0))
        step("log, choose, measure, learn, bundle")
        total = perf_counter() - began
    return {
        "events": events,
        "users": data.n_users,
        "items": data.n_items,
        "total_seconds": round(total, 1),
        "steps": steps,
    }


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
