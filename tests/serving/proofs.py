"""Promises measured over many answers. The tests ask for some, `python -m benchmarks serving_proofs` for thousands."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from foretaste.pipeline.bundle import load_current
from foretaste.types import NO_ITEM, NO_USER, History, Queries

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.events.model import EventStore
    from foretaste.pipeline.pipeline import Pipeline

Fresh = Callable[[], httpx.Client]
"""A client with a connection of its own, so that any worker may take it."""
WITHIN_SECONDS = 1.0
"""How soon a change must hold on every worker."""


def never_offered(fresh: Fresh, items: list[str], users: list[str], answers: int, askers: int = 2) -> dict[str, Any]:
    """Hides, deletes and buys while others ask; an item that was taken away over a second before is never in a list.

    What the person themselves bought must be gone from the very next list, whichever worker gives it.
    """
    taken: dict[str, float] = {}
    lock, stop = Lock(), Event()
    wrong: list[str] = []
    count = {"answers": 0, "changes": 0, "purchases": 0}

    def change() -> None:
        rng = random.Random(0)
        out: list[str] = []
        with fresh() as client:
            while not stop.is_set():
                item = rng.choice(items)
                if item in out:
                    with lock:
                        del taken[item]
                    client.put(f"/v1/items/{item}", json={"columns": {"title": "back"}}).raise_for_status()
                    out.remove(item)
                elif len(out) < len(items) // 2:
                    if rng.random() < 0.5:
                        client.delete(f"/v1/items/{item}").raise_for_status()
                    else:
                        client.put(f"/v1/items/{item}", json={"columns": {}, "hidden": True}).raise_for_status()
                    with lock:
                        taken[item] = time.monotonic()
                    out.append(item)
                count["changes"] += 1
                stop.wait(0.01)

    def ask(number: int) -> None:
        rng = random.Random(number)
        bought: dict[str, set[str]] = {}
        while not stop.is_set():
            with fresh() as client:
                user = f"{rng.choice(users)}-{number}"
                sent = time.monotonic()
                with lock:
                    gone = {item for item, since in taken.items() if sent - since > WITHIN_SECONDS}
                answer = client.get(f"/v1/users/{user}/recommendations?n=20")
                answer.raise_for_status()
                offered = [item["id"] for item in answer.json()["items"]]
                with lock:
                    still = {item for item in gone if taken.get(item, sent) < sent - WITHIN_SECONDS}
                    wrong.extend(f"{item} was taken away" for item in set(offered) & still)
                    wrong.extend(f"{item} was bought" for item in set(offered) & bought.get(user, set()))
                    count["answers"] += 1
                    if count["answers"] >= answers:
                        stop.set()
                if offered and rng.random() < 0.3:
                    event = {"id": f"{user}-{offered[0]}", "user": user, "item": offered[0]}
                    client.post("/v1/events", json={"events": [event]}).raise_for_status()
                    bought.setdefault(user, set()).add(offered[0])
                    count["purchases"] += 1

    threads = [Thread(target=change), *(Thread(target=ask, args=(number,)) for number in range(askers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {**count, "wrong": wrong}


def equal_to_pipeline(fresh: Fresh, bundles: Path, store: EventStore, users: list[str], n: int = 20) -> list[str]:
    """The people for whom REST and `Pipeline.recommend` differ: the plain reading of the log, without the service."""
    bundle = load_current(bundles)
    names = bundle.items.ids
    different = []
    with fresh() as client:
        for user in users:
            past = store.history(user)
            kinds = [bundle.kinds.code(kind) for kind in past.kind]
            times = None if None in past.time else np.array(past.time, np.int64)
            history = History(
                names.codes(past.item),
                np.array([0, len(past)], np.int64),
                times,
                np.array(kinds, np.uint8),
                np.array(past.value, np.float32),
            )
            answer = client.get(f"/v1/users/{user}/recommendations?n={n}").raise_for_status().json()
            listed = [(item["id"], item["score"]) for item in answer["items"]]
            if listed != _plain(bundle.pipeline, history, names.names_of, n):
                different.append(user)
    return different


def _plain(pipeline: Pipeline, history: History, names_of: Any, n: int) -> list[tuple[str, float]]:
    asked_at = None if history.time is None else np.array([time.time_ns() // 1000], np.int64)
    found = pipeline.recommend(Queries(np.array([NO_USER], np.int32), history, asked_at), n)
    kept = found.items[0] != NO_ITEM
    scores = [float(f"{score:.6g}") for score in found.scores[0][kept].tolist()]
    return list(zip(names_of(found.items[0][kept]), scores, strict=True))


def reloads(fresh: Fresh, versions: list[str], times: int, askers: int = 3) -> dict[str, Any]:
    """Activates one bundle after the other while others ask; every list must be of one bundle from head to foot."""
    stop, lock = Event(), Lock()
    failed: list[str] = []
    seen: dict[str, int] = {}

    def ask(number: int) -> None:
        rng = random.Random(number)
        while not stop.is_set():
            with fresh() as client:
                answer = client.get(f"/v1/users/u{rng.randrange(100)}/recommendations?n=5")
            with lock:
                if answer.status_code != 200:
                    failed.append(f"{answer.status_code} {answer.text[:200]}")
                else:
                    version = answer.json()["version"]
                    seen[version] = seen.get(version, 0) + 1

    threads = [Thread(target=ask, args=(number,)) for number in range(askers)]
    for thread in threads:
        thread.start()
    for i in range(times):
        with fresh() as client:
            answer = client.post(f"/v1/models/{versions[(i + 1) % len(versions)]}/activate", timeout=60)
            if answer.status_code != 200:
                failed.append(f"activating: {answer.status_code} {answer.text[:200]}")
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    strange = [version for version in seen if version not in versions]
    return {"reloads": times, "answers": sum(seen.values()), "failed": failed, "strange_versions": strange}
