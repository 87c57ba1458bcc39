"""What the scripts of speed_training share: the data, one measure for all, and the curve. Imports nothing but numpy.

A script is run as: python SCRIPT FOLDER NAME SECONDS PATIENCE. FOLDER holds train.npz (user and item codes, the events
of each user together and in order), valid.npz (people, and the item each should be offered) and n_items.npy; the curve
is written to FOLDER/NAME.json after each epoch.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

WIDTH, BLOCKS, HEADS, LENGTH, DROPOUT, SEED = 64, 1, 1, 50, 0.5, 0
K = 10


class Task:
    """What is learned and what is asked.

    user, item      : (T,) codes of the events to learn from
    people, wanted  : (B,) whose next item is asked for, and what it was
    histories       : B arrays of item codes
    """

    def __init__(self) -> None:
        self.folder, self.name = Path(sys.argv[1]), sys.argv[2]
        with np.load(self.folder / "train.npz") as arrays:
            self.user, self.item = arrays["user"], arrays["item"]
        with np.load(self.folder / "valid.npz") as arrays:
            self.people, self.wanted = arrays["user"], arrays["item"]
        self.n_items = int(np.load(self.folder / "n_items.npy"))
        starts = np.searchsorted(self.user, self.people)
        ends = np.searchsorted(self.user, self.people, side="right")
        self.histories = [self.item[start:end] for start, end in zip(starts, ends, strict=True)]

    def newest(self, padding_before: bool, padding: int) -> np.ndarray:
        """(B, LENGTH) the newest events of each history, oldest first, padded before or behind."""
        rows = np.full((len(self.people), LENGTH), padding, np.int64)
        for row, history in zip(rows, self.histories, strict=True):
            seen = history[-LENGTH:]
            row[slice(LENGTH - len(seen), None) if padding_before else slice(len(seen))] = seen
        return rows


class Curve:
    """Seconds of training alone after each epoch, of the processor and of the clock on the wall, and NDCG@10.

    `with curve: train_one_epoch()`, then `curve.judge(scores)`, which says whether that was the last epoch. Processor
    seconds are what may be compared on a machine that others use too.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.seconds, self.wall_seconds = task, 0.0, 0.0
        self.points: list[dict[str, float]] = []
        self.most_seconds, self.patience = float(sys.argv[3]), int(sys.argv[4])

    def __enter__(self) -> None:
        self.began, self.began_wall = process_time(), perf_counter()

    def __exit__(self, *failure: object) -> None:
        self.seconds += process_time() - self.began
        self.wall_seconds += perf_counter() - self.began_wall

    def judge(self, scores: np.ndarray) -> bool:
        """scores (B, n_items), −inf where the library knows nothing of an item; they are changed."""
        found = ndcg(scores, self.task.histories, self.task.wanted)
        point = {
            "seconds": round(self.seconds, 2),
            "wall_seconds": round(self.wall_seconds, 2),
            "ndcg": round(found, 5),
        }
        self.points.append({"epoch": len(self.points) + 1, **point})
        print(json.dumps(self.points[-1]), flush=True)
        self.keep(finished=False)
        best = int(np.argmax([point["ndcg"] for point in self.points])) + 1
        return self.seconds >= self.most_seconds or len(self.points) - best >= self.patience

    def keep(self, *, finished: bool, **more: object) -> None:
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        peak = round(int(status["VmHWM"].split()[0]) / 1e3)
        found = {"finished": finished, "peak_mb": peak, **more, "curve": self.points}
        path = self.task.folder / f"{self.task.name}.json"
        path.with_suffix(".tmp").write_text(json.dumps(found), encoding="utf-8")
        path.with_suffix(".tmp").replace(path)


def ndcg(scores: np.ndarray, seen: list[np.ndarray], wanted: np.ndarray) -> float:
    """NDCG@10 over the whole catalogue but what was seen, one item wanted each, the last of those with equal scores."""
    for row, history in zip(scores, seen, strict=True):
        row[history] = -np.inf
    own = scores[np.arange(len(wanted)), wanted]
    rank = (scores >= own[:, None]).sum(axis=1)
    hit = (rank <= K) & np.isfinite(own)
    return float(np.where(hit, 1 / np.log2(rank + 1), 0.0).mean())
