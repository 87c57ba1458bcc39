"""Promises over many answers, on two workers: 10,000 answers under change, 1,000 people, 30 reloads, 1,000 writes,
1,000 answers given again.

    python -m benchmarks serving_proofs

Lists nothing hidden, deleted or bought; REST equals `Pipeline` for everybody; reloads fail nobody; what was written
is read; a past answer can be given again to the byte. Each figure is a count of exceptions, and ought to be 0.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import worlds
from benchmarks.serving import serving
from benchmarks.so_far import SoFar
from foretaste.events.opening import open_store
from foretaste.pipeline.bundle import bundle_versions
from foretaste.project import train_on
from foretaste.types import Run
from serving.proofs import Asker, equal_to_pipeline, never_offered, not_given_again, reloads

ANSWERS, PEOPLE, RELOADS, WRITES, REPLAYED = 10_000, 1_000, 30, 1_000, 1_000


def run() -> dict[str, Any]:
    so_far = SoFar("serving_proofs")
    result: dict[str, Any] = {}

    def keep(name: str, found: object) -> None:
        result[name] = found
        so_far.keep(result, f"{name}: {found}")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "shop"
        data = worlds.parity(n_users=PEOPLE, n_items=200, per_user=12)
        train_on(folder, data, Run(seed=0), names=["ease", "itemknn"])
        first = bundle_versions(folder / "bundles")[0]
        second = _renamed(folder / "bundles", first)
        with serving(folder, 2) as service:

            def fresh() -> httpx.Client:
                return httpx.Client(base_url=service.address, timeout=30, verify=False, headers={"Connection": "close"})

            store = open_store(None, folder)
            people = [f"u{i}" for i in range(PEOPLE)]
            different = equal_to_pipeline(fresh, folder / "bundles", store, people)
            store.close()
            keep("people_for_whom_rest_and_pipeline_differ", f"{len(different)} of {PEOPLE}")
            keep("writes_not_read_by_the_next_answer", f"{_read_your_writes(fresh)} of {WRITES}")
            with httpx.Client(base_url=service.address, timeout=30) as client:
                client.put("/v1/items/new-0", json={"columns": {"title": "New", "year": 1990}}).raise_for_status()
                asker = Asker(client, items=200, item="i{}")
                asked = asker.ask(REPLAYED // 2)
                fresh().post(f"/v1/models/{second}/activate", timeout=60).raise_for_status()
                asked |= asker.ask(REPLAYED // 2)
            time.sleep(2)
            changed = not_given_again(folder, asked)
            keep("answers_not_given_again_to_the_byte", f"{len(changed)} of {len(asked)}")
            keep("examples_of_those", changed[:3])
            swapped = reloads(fresh, [first, second], RELOADS)
            keep("reloads", {**swapped, "failed": len(swapped["failed"]), "examples": swapped["failed"][:3]})
            offered = never_offered(fresh, [f"i{i}" for i in range(60)], people[:50], ANSWERS, askers=3)
            keep("lists", {**offered, "wrong": len(offered["wrong"]), "examples": offered["wrong"][:3]})
    return result


def _read_your_writes(fresh: Any) -> int:
    unread = 0
    for i in range(WRITES):
        user = f"writer-{i % 50}"
        with fresh() as client:
            first = client.get(f"/v1/users/{user}/recommendations?n=5").json()["items"][0]["id"]
            event = {"id": f"write-{i}", "user": user, "item": first}
            client.post("/v1/events", json={"events": [event]}).raise_for_status()
        with fresh() as client:
            items = client.get(f"/v1/users/{user}/recommendations?n=50").json()["items"]
            unread += first in {item["id"] for item in items}
    return unread


def _renamed(bundles: Path, version: str) -> str:
    """The same bundle under another name, to swap with."""
    other = "20990101-000000-ffffff"
    shutil.copytree(bundles / version, bundles / other)
    manifest = bundles / other / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"version": "{version}"', f'"version": "{other}"'))
    return other
