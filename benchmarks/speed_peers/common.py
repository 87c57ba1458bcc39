"""What the scripts share; imports nothing but numpy, for every library has its own environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

FACTORS, EPOCHS, NEIGHBOURS, N, K = 64, 15, 100, 100, 10


class Clock:
    """`with clock("fit"): work()` keeps the seconds under that name: of the processor, and by the clock on the wall.

    With one thread both are the same on a machine of one's own; on a shared one the first is what may be compared.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.wall: dict[str, float] = {}
        self.figures: dict[str, float] = {}

    def __call__(self, name: str) -> Clock:
        self.name = name
        return self

    def __enter__(self) -> None:
        self.began, self.began_wall = process_time(), perf_counter()

    def __exit__(self, *failure: object) -> None:
        self.seconds[self.name] = round(process_time() - self.began, 3)
        self.wall[self.name] = round(perf_counter() - self.began_wall, 3)

    def report(self, version: str) -> None:
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        peak = round(int(status["VmHWM"].split()[0]) / 1e3)
        found = {"version": version, "seconds": self.seconds, "wall_seconds": self.wall, "figures": self.figures}
        print(json.dumps({**found, "peak_mb": peak}))


def events(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """(L,) user codes and (L,) item codes."""
    with np.load(folder / f"{part}.npz") as arrays:
        return arrays["user"], arrays["item"]


def given() -> Path:
    """The folder of the events."""
    return Path(sys.argv[1])


def asked(models: dict[str, object]) -> dict[str, object]:
    """Those named behind the folder; all where none is."""
    return {name: model for name, model in models.items() if name in sys.argv[2:] or len(sys.argv) == 2}


def ndcg_of(lists: np.ndarray, wanted: np.ndarray) -> float:
    """One held-out item per row: 1 / log2(rank + 1), on (B, K) lists. For libraries without an evaluation."""
    hit = lists[:, :K] == wanted[:, None]
    return float((hit / np.log2(np.arange(hit.shape[1]) + 2)).sum(axis=1).mean())
