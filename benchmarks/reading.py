"""From Parquet to a Dataset at growing sizes: seconds and peak memory of a process of its own, beside the Arrow size.

    python -m benchmarks reading

Writes benchmarks/results/reading.svg beside the figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

SIZES = (100_000, 1_000_000, 5_000_000, 20_000_000)

CHILD = """
import json, sys, time
import polars as pl
import foretaste
began = time.perf_counter()
data = foretaste.Dataset.from_frame(pl.scan_parquet(sys.argv[1]))
seconds = time.perf_counter() - began
# Not getrusage: after a fork it still remembers the peak of the parent.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({"events": len(data), "users": data.n_users, "seconds": round(seconds, 2),
                  "peak_mb": round(int(status["VmHWM"].split()[0]) / 1e3)}))
"""


def run() -> list[dict[str, float]]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n in SIZES:
            path = Path(folder) / "events.parquet"
            arrow_mb = write(path, n)
            done = subprocess.run([sys.executable, "-c", CHILD, str(path)], check=True, capture_output=True, text=True)
            row = {**json.loads(done.stdout), "arrow_mb": round(arrow_mb)}
            row["peak_over_arrow"] = round(row["peak_mb"] / arrow_mb, 2)
            rows.append(row)
            print(row, flush=True)
    (Path(__file__).parent / "results" / "reading.svg").write_text(plot(rows), encoding="utf-8")
    return rows


def write(path: Path, n: int) -> float:
    """Events in order of time, n / 20 people, 50,000 items, string ids; returns the size in Arrow, MB."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "user": rng.integers(0, n // 20, n),
            "item": (50_000 * rng.random(n) ** 2).astype(np.int64),
            "time": 1_700_000_000 + rng.integers(0, 20_000_000, n),
        }
    ).select(
        user=pl.format("u{}", pl.col("user").cast(pl.String).str.zfill(8)),
        item=pl.format("i{}", pl.col("item").cast(pl.String).str.zfill(6)),
        time=pl.from_epoch("time"),
    )
    frame.write_parquet(path)
    return frame.estimated_size() / 1e6


def plot(rows: list[dict[str, float]]) -> str:
    """Seconds against events, both logarithmic; a straight line of slope 1 is linear growth."""
    width, height, edge = 520, 320, 56
    x = np.log10([row["events"] for row in rows])
    y = np.log10([row["seconds"] for row in rows])
    at_x = edge + (x - x.min()) / np.ptp(x) * (width - 2 * edge)
    at_y = height - edge - (y - y.min()) / max(np.ptp(y), 1e-9) * (height - 2 * edge)
    points = " ".join(f"{a:.0f},{b:.0f}" for a, b in zip(at_x, at_y, strict=True))
    said = "".join(
        f'<circle cx="{a:.0f}" cy="{b:.0f}" r="4"/><text x="{a:.0f}" y="{b - 10:.0f}" text-anchor="middle">'
        f"{row['seconds']:g} s, {row['peak_mb']:,} MB</text>"
        f'<text x="{a:.0f}" y="{height - 24}" text-anchor="middle">{row["events"]:,}</text>'
        for a, b, row in zip(at_x, at_y, rows, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11">'
        f'<rect width="{width}" height="{height}" fill="white"/>'
        f'<polyline points="{points}" fill="none" stroke="#d9622b" stroke-width="2"/><g fill="#333">{said}'
        f'<text x="{width / 2}" y="{height - 6}" text-anchor="middle">events</text>'
        f'<text x="12" y="20">Parquet to Dataset: seconds and peak memory of the process (log-log)</text></g></svg>\n'
    )
