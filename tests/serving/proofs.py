"""Promises measured over many answers. The tests ask for some, `python -m benchmarks serving_proofs` for thousands."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from foretaste.events.answer_log import AnswerLog
from foretaste.pipeline.bundle import load_current
from foretaste.serving.answering.replay import Replayer
from foretaste.types import NO_ITEM, NO_USER, History, Queries

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.events.protocols import EventLog
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


def equal_to_pipeline(fresh: Fresh, bundles: Path, store: EventLog, users: list[str], n: int = 20) -> list[str]:
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


class Asker:
    """Asks for lists of every form while people act and the catalogue changes, and keeps what was answered."""

    def __init__(
        self,
        client: httpx.Client,
        seed: int = 0,
        items: int = 60,
        item: str = "f{}",
        filter: str = '{"year": {"max": 1994}}',
    ) -> None:
        self._client = client
        self._rng = random.Random(seed)
        self._items = items
        self._item = item
        self._filter = filter
        self._count = 0

    def ask(self, answers: int) -> dict[str, bytes]:
        """recommendation_id → the bytes that came."""
        found: dict[str, bytes] = {}
        cursor: tuple[str, str] | None = None
        while len(found) < answers:
            self._something_happens()
            body, cursor = self._one(cursor)
            found[json.loads(body)["recommendation_id"]] = body
        return found

    @staticmethod
    def kinds(folder: Path) -> list[dict[str, Any]]:
        """What is written down of each answer."""
        book = AnswerLog(folder)
        records = [record.inputs for name in book.ids() if (record := book.find(name)) is not None]
        book.close()
        return records

    def _some(self) -> str:
        return self._item.format(self._rng.randrange(self._items))

    def _something_happens(self) -> None:
        rng, self._count = self._rng, self._count + 1
        user, item = f"u{rng.randrange(40)}", self._some()
        what = rng.choice(["event", "shown", "search", "less", "put", "new", "hide", "nothing"])
        if what in ("event", "shown"):
            event = {"id": f"a{self._count}", "user": user, "item": item}
            event |= {"type": "shown"} if what == "shown" else {"kind": "view"}
            self._client.post("/v1/events", json={"events": [event]}).raise_for_status()
        elif what == "search":
            event = {"id": f"a{self._count}", "user": user, "text": f"film {self._count}", "type": "search"}
            self._client.post("/v1/events", json={"events": [event]}).raise_for_status()
        elif what == "less":
            self._client.post(f"/v1/users/{user}/less", json={"item": item}).raise_for_status()
        elif what in ("put", "new", "hide"):
            name = f"new-{rng.randrange(5)}" if what == "new" else item
            columns = {"title": f"Film {self._count}", "genres": ["Comedy"], "year": 1990 + self._count % 9}
            given = {"columns": columns, "hidden": what == "hide"}
            self._client.put(f"/v1/items/{name}", json=given).raise_for_status()

    def _one(self, cursor: tuple[str, str] | None) -> tuple[bytes, tuple[str, str] | None]:
        rng, user = self._rng, f"u{self._rng.randrange(44)}"  # of whom the last four are strangers
        form = rng.choice(["user", "page", "explain", "filter", "guest", "rank", "rank guest"])
        if form in ("guest", "rank guest"):
            history = [{"item": self._some(), "kind": "view"} for _ in range(rng.randrange(5))]
            asked = {"history": history, "n": 7, "exclude": [self._some()], "explain": rng.random() < 0.3}
            path = "/v1/recommendations"
            if form == "rank guest":
                path, asked = "/v1/rank", {"history": history, "items": [self._some() for _ in range(9)]}
            return self._client.post(path, json=asked).raise_for_status().content, cursor
        if form == "rank":
            asked = {"user": user, "items": [self._some() for _ in range(9)]}
            return self._client.post("/v1/rank", json=asked).raise_for_status().content, cursor
        params: dict[str, Any] = {"n": 6}
        if form == "explain":
            params["explain"] = "true"
        if form == "filter":
            params["filter"] = self._filter
        if form == "page" and cursor is not None:
            user, params["cursor"] = cursor
        answer = self._client.get(f"/v1/users/{user}/recommendations", params=params).raise_for_status()
        after = answer.json()["cursor"]
        return answer.content, None if after is None else (user, after)


def not_given_again(folder: Path, asked: dict[str, bytes]) -> list[str]:
    """Of these answers, those that a project gives again with other bytes, and why."""
    different = []
    with Replayer.of_project(folder) as replayer:
        for name, body in asked.items():
            found = replayer.replay(name)
            if found.body != body or not found.same:
                different.append(f"{name}: {found.why}")
    return different
