"""python -m benchmarks NAME: runs one and keeps its result beside the machine it ran on."""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

NAMES = (
    "ablation",
    "cold",
    "cold_people",
    "columns",
    "encoders",
    "factors",
    "forward",
    "index",
    "ingestion",
    "onboarding",
    "preparing",
    "reading",
    "scale",
    "search",
    "serving",
    "serving_crash",
    "serving_fuzz",
    "serving_large",
    "serving_overload",
    "serving_proofs",
    "speed",
    "speed_training",
    "streaming",
    "training_kills",
)
WITH_FOLDER = ("serving", "serving_large", "serving_overload")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NAMES), help=f"of {', '.join(NAMES)}")
    parser.add_argument("--events", type=int, help="size of the made-up log (scale)")
    parser.add_argument("--folder", type=Path, help="keep the made-up shop there, and use it again (serving*)")
    asked = parser.parse_args()
    for name in asked.names:
        settings = {"events": asked.events} if asked.events and name == "scale" else {}
        if asked.folder and name in WITH_FOLDER:
            settings["folder"] = asked.folder / ("large" if name == "serving_large" else "shop")
        result = import_module(f"benchmarks.{name}").run(**settings)
        kept = {
            "benchmark": name,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            "result": result,
        }
        folder = Path(__file__).parent / "results"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(kept, indent=2))


if __name__ == "__main__":
    main()
