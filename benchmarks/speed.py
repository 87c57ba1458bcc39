"""Fit, offer to everybody, evaluate: foretaste beside its peers on the same data, one thread each, as ratios.

    python -m benchmarks speed

The peers are installed into build/peers, each group in an environment of its own (about 4 GB, once). The data is
../shared/data/ml-1m; the last event of each user is the test. What a library cannot do is missing from its column.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "build" / "peers"
DATA = ROOT.parent / "shared" / "data" / "ml-1m" / "interactions.parquet"
INSTALLED = {
    "others": ("implicit==0.7.3", "cornac==3.0.1", "lenskit==2025.8.1"),
    "rectools": ("rectools[torch]==0.19.0",),
    "recbole": ("recbole==1.2.1", "setuptools<81", "numpy<2", "pandas<2.3"),
}
LIBRARIES = {
    "foretaste": None,
    "implicit": "others",
    "rectools": "rectools",
    "lenskit": "others",
    "cornac": "others",
    "recbole": "recbole",
}
MOST_SECONDS = 900
ONE_THREAD = dict.fromkeys(
    (
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"),
        *("LK_NUM_THREADS", "LK_NUM_BACKEND_THREADS", "LK_NUM_CHILD_THREADS", "LK_NUM_PROCS"),  # LensKit
    ),
    "1",
)


def run(*, libraries: tuple[str, ...] = tuple(LIBRARIES)) -> dict[str, object]:
    if not DATA.is_file():
        raise SystemExit(f"There is no {DATA}; this benchmark reads ml-1m there.")
    install()
    found: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as name:
        write_events(Path(name))
        for library in libraries:
            found[library] = measured(library, Path(name))
            print(library, json.dumps(found[library]), flush=True)
    return {
        "data": "ml-1m, the last event of each user held out; seconds of one processor",
        "libraries": found,
        **ratios(found),
    }


def write_events(folder: Path) -> None:
    """train.npz and test.npz: codes in the order of users and times."""
    rows = pl.read_parquet(DATA).sort("user_id", "position", maintain_order=True)
    codes = rows.select(
        user=pl.col("user_id").rank("dense").cast(pl.Int64) - 1, item=pl.col("item_id").rank("dense").cast(pl.Int64) - 1
    )
    user, item = codes["user"].to_numpy(), codes["item"].to_numpy()
    last = np.r_[user[1:] != user[:-1], True]
    for part, chosen in {"train": ~last, "test": last}.items():
        np.savez(folder / f"{part}.npz", user=user[chosen], item=item[chosen])


def measured(library: str, folder: Path) -> dict[str, object]:
    """A library in a process of its own; what went wrong, in its last words, where something did."""
    environment = LIBRARIES[library]
    python = sys.executable if environment is None else str(PEERS / environment / "bin" / "python")
    script = Path(__file__).parent / "speed_peers" / f"run_{library}.py"
    try:
        done = subprocess.run(
            [python, str(script), str(folder)],
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            env={**os.environ, **ONE_THREAD},
            cwd=folder,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {MOST_SECONDS} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    answer: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def ratios(found: dict[str, dict[str, object]]) -> dict[str, object]:
    """How many times as long each library takes as foretaste, step by step; above 1 foretaste is faster."""
    own = found.get("foretaste", {}).get("seconds")
    if not isinstance(own, dict):
        return {}
    table: dict[str, dict[str, float]] = {}
    for library, result in found.items():
        theirs = result.get("seconds")
        if library == "foretaste" or not isinstance(theirs, dict):
            continue
        for step, seconds in theirs.items():
            plain = step.removesuffix(" (its batch size)")
            if own.get(plain):
                table.setdefault(step, {})[library] = round(seconds / own[plain], 2)
    return {"times_as_long_as_foretaste": table}


def install() -> None:
    PEERS.mkdir(parents=True, exist_ok=True)
    constraints = PEERS / "constraints.txt"
    constraints.write_text("torch==2.13.0\n", encoding="utf-8")
    for name, packages in INSTALLED.items():
        folder = PEERS / name
        ready, wanted = folder / ".ready", " ".join(packages)
        if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
            continue
        print(f"installing {', '.join(packages)} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-c", str(constraints), *packages], check=True)
        ready.write_text(wanted, encoding="utf-8")
