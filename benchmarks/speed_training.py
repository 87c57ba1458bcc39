"""SASRec of foretaste, RecBole and RecTools learning amazon-beauty: validation NDCG@10 over seconds, one thread each.

    python -m benchmarks speed_training

Width 64, one block, one head, 50 events, dropout 0.5; all else as each library sets it. The second last event of 3,000
people is the question, ranked among all items but those seen, by one piece of numpy for all. Compared are processor
seconds of training alone, for the machine may be shared. The peers are installed as `speed` does it. Up to MOST_SECONDS
a curve; they are kept in build/speed_training, and one that is finished there is not learned again until it is deleted.
Writes benchmarks/results/speed_training.svg beside the figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import polars as pl

from benchmarks.speed import ONE_THREAD, PEERS, ROOT, install
from benchmarks.speed_training_plot import plot

DATA = ROOT.parent / "shared" / "data" / "amazon-beauty" / "interactions.parquet"
FOLDER = ROOT / "build" / "speed_training"
CURVES = {
    "foretaste": None,
    "recbole": "recbole",
    "rectools sampled softmax": "rectools",
    "rectools": "rectools",
    "rectools gbce": "rectools",
}
PEOPLE, MOST_SECONDS, PATIENCE = 3000, 1800, 5
WIDTH, LENGTH = 64, 50


def run(*, curves: tuple[str, ...] = tuple(CURVES)) -> dict[str, object]:
    if not DATA.is_file():
        raise SystemExit(f"There is no {DATA}; this benchmark reads amazon-beauty there.")
    install()
    FOLDER.mkdir(parents=True, exist_ok=True)
    events, n_items = write_events()
    peaks = matrix_peaks()
    for name in curves:
        learn(name)
    return report(events, n_items, peaks)


def write_events() -> tuple[int, int]:
    """train.npz, valid.npz and n_items.npy; returns the targets of an epoch and the items."""
    rows = pl.read_parquet(DATA).sort("user_id", "position")
    rows = rows.with_columns(user=pl.col("user_id").cast(pl.Int64) - 1, item=pl.col("item_id").cast(pl.Int64) - 1)
    train, valid = (rows.filter(pl.col("split") == part) for part in ("train", "valid"))
    asked = np.sort(np.random.default_rng(0).choice(len(valid), PEOPLE, replace=False))
    valid = valid[asked]
    for name, part in {"train": train, "valid": valid}.items():
        np.savez(FOLDER / f"{name}.npz", user=part["user"].to_numpy(), item=part["item"].to_numpy())
    n_items = int(rows["item"].max()) + 1  # type: ignore[arg-type]
    np.save(FOLDER / "n_items.npy", n_items)
    lengths = train.group_by("user").len()["len"].to_numpy()
    return int(np.minimum(lengths - 1, LENGTH).sum()), n_items


def learn(name: str) -> None:
    if kept(name).get("finished"):
        return
    environment = CURVES[name]
    python = sys.executable if environment is None else str(PEERS / environment / "bin" / "python")
    script = Path(__file__).parent / "speed_peers" / f"train_{name.split()[0]}.py"
    print(f"{name} …", flush=True)
    arguments = [python, str(script), str(FOLDER), name, str(MOST_SECONDS), str(PATIENCE)]
    with (FOLDER / f"{name}.log").open("w", encoding="utf-8") as log:
        done = subprocess.run(arguments, stdout=log, stderr=log, env={**os.environ, **ONE_THREAD}, cwd=FOLDER)
    if done.returncode:
        print(f"{name} ended with {done.returncode}; see {FOLDER / f'{name}.log'}", flush=True)


def kept(name: str) -> dict[str, Any]:
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def report(events: int, n_items: int, peaks: dict[str, float]) -> dict[str, object]:
    found = {name: curve for name in CURVES if (curve := kept(name)).get("curve")}
    own = found["foretaste"]["curve"]
    (Path(__file__).parent / "results" / "speed_training.svg").write_text(
        plot({name: curve["curve"] for name, curve in found.items()}), encoding="utf-8"
    )
    epoch = own[-1]["seconds"] / len(own)
    done = flops_of_an_epoch(events, n_items) / epoch / 1e9
    return {
        "data": f"amazon-beauty, {events:,} targets an epoch, {n_items:,} items; processor seconds of one thread",
        "against": {name: against(own, curve["curve"]) for name, curve in found.items() if name != "foretaste"},
        "foretaste": {
            "events_per_second": round(events / epoch),
            "seconds_per_epoch": round(epoch, 2),
            "gflops": round(done, 1),
            "peak_gflops_2048": peaks,
            "share_of_bfloat16_peak": round(done / peaks["bfloat16"], 3),
            "share_of_float32_peak": round(done / peaks["float32"], 3),
        },
        "curves": found,
    }


def against(own: list[dict[str, float]], theirs: list[dict[str, float]]) -> dict[str, object]:
    """How long each took to the best validation NDCG the other library reached in its time."""
    best = max(theirs, key=lambda point: point["ndcg"])
    reached = next((point["seconds"] for point in own if point["ndcg"] >= best["ndcg"]), None)
    return {
        "its_best_ndcg": best["ndcg"],
        "its_seconds_to_it": best["seconds"],
        "its_seconds_in_all": theirs[-1]["seconds"],
        "its_seconds_per_epoch": round(theirs[-1]["seconds"] / len(theirs), 1),
        "foretaste_seconds_to_it": reached,
        "times_as_fast": reached and round(best["seconds"] / reached, 1),
        "times_as_long_an_epoch": round(theirs[-1]["seconds"] / len(theirs) * len(own) / own[-1]["seconds"], 1),
    }


def flops_of_an_epoch(events: int, n_items: int) -> float:
    """Forward, and twice as much backward: 12 width² of the block and n_items · width of the softmax for each event.

    Counted is what the mathematics asks for: not the attention between events, which is less than a hundredth here, nor
    padding, dropout, norms and the optimizer.
    """
    return 3 * 2 * events * (12 * WIDTH**2 + n_items * WIDTH)


def matrix_peaks(n: int = 2048) -> dict[str, float]:
    """GFLOP/s of one thread multiplying square matrices, the best of several."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = {}
    for kind in (torch.float32, torch.bfloat16):
        a, b = torch.randn(2, n, n).to(kind)
        seconds = []
        for _ in range(8):
            began = process_time()
            a @ b
            seconds.append(process_time() - began)
        found[str(kind).removeprefix("torch.")] = round(2 * n**3 / min(seconds) / 1e9, 1)
    torch.set_num_threads(threads)
    return found
