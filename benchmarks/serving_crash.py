"""Ten minutes of `kill -9` under eight clients that send every event three times: 0 lost, 0 doubled, 0 invented.

python -m benchmarks serving_crash
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import worlds
from foretaste.project import train_on
from foretaste.types import Run
from serving.crash import crash

SECONDS = 600.0


def run(seconds: float = SECONDS) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "shop"
        train_on(folder, worlds.parity(n_users=80), Run(seed=0), names=["ease", "itemknn"])
        outcome = asdict(crash(folder, seconds, every=5.0, chance=0.3, workers=2))
    waits = outcome.pop("seconds_until_ready")
    counts = {name: len(found) if isinstance(found, list) else found for name, found in outcome.items()}
    return {"seconds": seconds, **counts, "slowest_start_s": round(max(waits), 2)}
