"""Preparation and check of logs of growing size: processor seconds of each step, and the peak memory of all of it.

python -m benchmarks preparing
"""

from __future__ import annotations

import json
import subprocess
import sys

SIZES = (100_000, 1_000_000)

CHILD = """
import json, sys, time
import numpy as np
from foretaste.data.dataset import Dataset
from foretaste.data.checks.card import data_card
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.data.kinds import usual_kinds
from foretaste.data.prepare.prepare import prepare
from foretaste.data.prepare.config import PrepareConfig

n = int(sys.argv[1])
rng = np.random.default_rng(0)
n_users, n_items = n // 40, 50_000
user = (n_users * rng.random(n) ** 2).astype(np.int32)
item = (n_items * rng.random(n) ** 3).astype(np.int32)
time_ = np.sort(1_700_000_000_000_000 + rng.integers(0, 20_000_000, n) * 1_000_000)
data = Dataset.sorted(
    users=IdMap([f"u{i}" for i in range(n_users)]), items=ItemTable.of(IdMap([f"i{i}" for i in range(n_items)])),
    user=user, item=item, time=time_, kind=np.zeros(n, np.uint8), value=np.ones(n, np.float32),
    kinds=usual_kinds(["view"]),
)
steps = {
    "5-core": PrepareConfig(min_user_events=5, min_item_events=5),
    "exact repeats": PrepareConfig(repeats="exact"),
    "first of each run within a day": PrepareConfig(repeats="first", repeats_within_seconds=86_400),
    "sessions of 30 minutes": PrepareConfig(session_gap_minutes=30),
}
seconds = {}
for name, config in steps.items():
    began = time.process_time()
    prepare(data, config)
    seconds[name] = round(time.process_time() - began, 3)
began = time.process_time()
data_card(data)
seconds["data card"] = round(time.process_time() - began, 3)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({"events": n, "seconds": seconds, "peak_mb": round(int(status["VmHWM"].split()[0]) / 1e3)}))
"""


def run() -> list[dict[str, object]]:
    rows = []
    for n in SIZES:
        done = subprocess.run([sys.executable, "-c", CHILD, str(n)], check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
        print(rows[-1], flush=True)
    return rows
