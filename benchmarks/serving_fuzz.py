"""Schemathesis over every operation, alone and in chains: 0 server errors, 0 answers the description does not know.

python -m benchmarks serving_fuzz
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import worlds
from foretaste.project import train_on
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app
from foretaste.serving.http.keys import KeyFile
from foretaste.serving.settings import Limits, ServerConfig
from foretaste.types import Run
from serving.fuzz import fuzz

EXAMPLES, CHAINS = 40, 40


def run(examples: int = EXAMPLES, chains: int = CHAINS) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "shop"
        train_on(folder, worlds.parity(n_users=80), Run(seed=0), names=["ease", "itemknn"])
        keys = KeyFile.of_project(folder)
        secret = keys.create("fuzz", ("admin",)).secret
        limits = Limits(requests_per_second=1e6, refusals_per_second=1e6)
        with Engine.of_project(folder) as engine:
            app = create_app(engine, ServerConfig(host="0.0.0.0", limits=limits, access_log=False), keys)
            found = fuzz(app, secret, examples, chains)
    return {
        "operations": len(found.cases),
        "cases": sum(found.cases.values()),
        "server_errors": sum(count for status, count in found.statuses.items() if status >= 500),
        "violations": len(found.failures),
        "examples": found.failures[:3],
        "statuses": {str(status): count for status, count in sorted(found.statuses.items())},
    }
