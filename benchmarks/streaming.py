"""Wide text files of growing size, from disk to a Dataset: seconds and peak memory, each size in a process of its own.

A log as web servers write it: five columns that matter and half a kilobyte of others in every row. What is held is
the events, so the peak must grow with their number and not with the bytes of the file.

    python -m benchmarks streaming
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = 50_000
SIZES = (125_000, 250_000, 500_000, 1_000_000, 2_000_000)
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


def parts(rows: int, seed: int = 0) -> Iterator[pl.DataFrame]:
    rng = np.random.default_rng(seed)
    for begin in range(0, rows, PART):
        n = min(PART, rows - begin)
        noise = rng.integers(0, 1 << 62, (n, 3))
        frame = pl.DataFrame(
            {
                "user_id": rng.integers(0, 50_000, n),
                "item_id": rng.integers(0, 20_000, n),
                "timestamp": 1_700_000_000 + begin + np.arange(n),
                "event": rng.choice(["view", "cart", "buy"], n, p=[0.8, 0.15, 0.05]),
                "a": noise[:, 0],
                "b": noise[:, 1],
                "c": noise[:, 2],
            }
        )
        yield frame.select(
            pl.format("customer-{}", "user_id").alias("user_id"),
            pl.format("sku-{}", "item_id").alias("item_id"),
            "timestamp",
            "event",
            page=pl.format("https://shop.example/department/{}/shelf/{}?session={}&from=newsletter", "a", "b", "c"),
            referrer=pl.format("https://search.example/results?q={}&page={}&client=web", "b", "c"),
            agent=pl.lit(AGENT),
            note=pl.format("{} {} {} {}", "c", "a", "b", "a"),
        )


def write(path: Path, rows: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb") as out:
        for n, part in enumerate(parts(rows)):
            if ".jsonl" in path.name:
                out.write(part.write_ndjson().encode())
            else:
                out.write(part.write_csv(include_header=n == 0).encode())


def measured(path: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.streaming", str(path)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def read_one(path: Path) -> dict[str, object]:
    """In the process of its own."""
    from foretaste.data.project.guess import guess_project, load_dataset

    pl.DataFrame({"a": ["warm"]}).lazy().collect()
    before = peak_mb()
    began = perf_counter()
    config, _ = guess_project(path)
    guessed = perf_counter()
    guess_peak = peak_mb()
    data, _ = load_dataset(config, path.parent)
    seconds = perf_counter() - guessed
    return {
        "events": len(data),
        "file_mb": round(path.stat().st_size / 1e6),
        "guess_seconds": round(guessed - began, 1),
        "guess_peak_mb": round(guess_peak),
        "load_seconds": round(seconds, 1),
        "events_per_second": round(len(data) / seconds),
        "peak_mb": round(peak_mb()),
        "peak_mb_above_the_imports": round(peak_mb() - before),
    }


def peak_mb() -> float:
    """Of this process alone; what getrusage says of it is at least what its parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found, "Linux says so of every process"
    return int(found[1]) / 1e3


def run() -> dict[str, object]:
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        for file, sizes in (("e.csv", SIZES), ("e.csv.gz", SIZES[2:3]), ("e.jsonl", SIZES[:3])):
            rows = []
            for size in sizes:
                path = Path(name) / file
                write(path, size)
                rows.append(measured(path))
                print(file, rows[-1], flush=True)
                path.unlink()
            found[file] = rows
    return found


if __name__ == "__main__":
    print(json.dumps(read_one(Path(sys.argv[1]))))
