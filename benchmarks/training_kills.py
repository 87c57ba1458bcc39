"""SIGKILL at ten random moments of a training (sasrec, MovieLens 100K): curve and figures of the undisturbed run.

python -m benchmarks training_kills

Each life of the training lasts a random number of steps and a random part of an epoch more, so that a kill may hit a
step, the monitor or the writing of a checkpoint. The next life goes on from whatever lies in the folder.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np

DATA = Path(__file__).parents[2] / "shared" / "data" / "ml-100k"
KILLS, EPOCHS = 10, 40
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def run(kills: int = KILLS, epochs: int = EPOCHS, seed: int = 0) -> dict[str, Any]:
    if not DATA.is_dir():
        raise SystemExit(f"There is no {DATA}; this benchmark reads ml-100k there.")
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        began = perf_counter()
        whole, steps = outcome_of(start(Path(name) / "whole", epochs))
        undisturbed_seconds = perf_counter() - began
        learning = sum(whole.pop("seconds"))
        an_epoch = learning / len(whole["losses"])
        moments = []
        for _ in range(kills):
            # Ten lives as long as the longest of these just do not see the whole training through.
            after, pause = int(rng.integers(0, steps // 12)), rng.uniform(0, an_epoch / 2)
            killed_at(start(Path(name) / "killed", epochs), after, pause)
            on_paper = len(curve(Path(name) / "killed"))
            moments.append({"steps": after, "and_seconds": round(pause, 2), "epochs_on_paper": on_paper})
        killed, _ = outcome_of(start(Path(name) / "killed", epochs))
        killed.pop("seconds")
        curves = {life: curve(Path(name) / life) for life in ("whole", "killed")}
    same = {part: whole[part] == killed[part] for part in whole}
    told = ("best_epoch", "validation_ndcg@10", "test")
    return {
        "data": "ml-100k, leave-one-out, strict",
        "epochs": len(whole["losses"]),
        "steps": steps,
        "undisturbed_seconds": round(undisturbed_seconds, 1),
        "kills": moments,
        "same": {**same, "curves.csv": curves["whole"] == curves["killed"]},
        "undisturbed": {part: whole[part] for part in told},
        "killed": {part: killed[part] for part in told},
    }


def start(folder: Path, epochs: int) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "benchmarks.training_kills", str(folder), str(epochs)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env={**os.environ, **ONE_THREAD})


def killed_at(process: subprocess.Popen[str], steps: int, seconds: float) -> None:
    """SIGKILL so many steps of training and so many seconds into the life of a process; 0 steps: while it starts."""
    assert process.stdout is not None
    for _ in range(steps):
        process.stdout.readline()
    sleep(seconds)
    if process.poll() is not None:
        raise SystemExit("The training ended before it was killed.")
    process.send_signal(signal.SIGKILL)
    process.communicate()


def outcome_of(process: subprocess.Popen[str]) -> tuple[dict[str, Any], int]:
    """What a training came to, and how many steps it took."""
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit("The training failed; its words are above.")
    lines = out.splitlines()
    return json.loads(lines[-1]), len(lines) - 1


def curve(folder: Path) -> list[tuple[str, ...]]:
    """The lines of curves.csv but for their times."""
    path = folder / "curves.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [(row["epoch"], row["loss"], row["validation"]) for row in csv.DictReader(file)]


def life(folder: Path, epochs: int) -> None:
    """One training, or what is left of it; prints what it came to."""
    import torch

    from foretaste.data.sources.folder import load_folder
    from foretaste.data.splits import leave_last
    from foretaste.evaluation.evaluator import evaluate
    from foretaste.models.saving import fitted
    from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
    from foretaste.selection.choose_settings import score_of
    from foretaste.training.config import TrainingConfig
    from foretaste.types import Run

    torch.set_num_threads(1)
    split = leave_last(load_folder(DATA))
    asked = split.validation

    def monitor(model: SasRec) -> float:
        return score_of(model.recommend(asked.queries, 10, exclude=asked.excluded), asked)

    def told(what: str, done: int, total: int) -> None:
        print("step", flush=True)

    config = SasRecConfig(training=TrainingConfig(epochs=epochs, least_steps=0))
    model = SasRec(config).fit(split.train, Run(seed=0, folder=folder, monitor=monitor, progress=told))
    progress = fitted(model.trained, model).progress
    result = evaluate(model, split.test, ("ndcg@10", "recall@10"))
    outcome = {
        "losses": progress.losses,
        "scores": progress.scores,
        "seconds": progress.seconds,
        "best_epoch": progress.best_epoch,
        "validation_ndcg@10": progress.best_score,
        "test": {name: float(np.nanmean(values)) for name, values in result.per_user.items()},
    }
    print(json.dumps(outcome))


if __name__ == "__main__":
    life(Path(sys.argv[1]), int(sys.argv[2]))
