"""A thousand answers of the service over HTTP, recorded, so that two versions of the code can be compared.

    python -m benchmarks.recorded_answers record PROJECT OUT.jsonl     with the code under test on PYTHONPATH
    python -m benchmarks.recorded_answers compare OLD.jsonl NEW.jsonl

The project (one of `foretaste demo`) is copied, gets scenes, variants, new, hidden and deleted items, impressions and
rejected items, and is then asked for lists of users, guests, labels, batches, pages, orderings, searches and similar
items, with reasons. The clock stands still. Ids of answers, seconds and wording of reasons are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 893_400_000_000_000_000
"""ns since 1970: a day after the last event of MovieLens 100K."""
SERVE = """
import time
time.time_ns = lambda: {now}
time.time = lambda: {now} / 1e9
from foretaste.cli import main
import sys
sys.argv = ["foretaste", "serve", "-p", {folder!r}, "--port", "{port}", "--quiet"]
main()
"""
SETTINGS = """
[serve]
group = "{group}"
fatigue_after = 2
new_share = {share}

[serve.scenes.home]

[serve.scenes.again]
hides = []
fatigue = false

[serve.scenes.drama]
new_share = 0.3
[serve.scenes.drama.filter]
genres = ["Drama"]
"""
PORT = 8765
USERS = 150


def record(project: Path, out: Path) -> None:
    """Ask all questions twice over: without and with one list per variant group."""
    with out.open("w", encoding="utf-8") as file:
        for group, share in (("nothing", 0.1), ("year", 0.0)):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name) / "shop"
                shutil.copytree(project, folder)
                settings = folder / "foretaste.toml"
                before = settings.read_text(encoding="utf-8") if settings.exists() else ""
                settings.write_text(before + SETTINGS.format(group=group, share=share), encoding="utf-8")
                for question, answer in _answers(folder):
                    file.write(json.dumps({"group": group, "question": question, "answer": _plain(answer)}) + "\n")


def _answers(folder: Path) -> Iterator[tuple[str, Any]]:
    code = SERVE.format(now=NOW, folder=str(folder), port=PORT)
    server = subprocess.Popen([sys.executable, "-c", code], env=os.environ, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as client:
            _ready(client)
            users = [str(user) for user in range(1, 944)][:: 943 // USERS][:USERS]
            popular = [item["id"] for item in client.get("/v1/items?n=60").raise_for_status().json()["items"]]
            _change(client, users, popular)
            yield from _asked(client, users, popular)
    finally:
        server.terminate()
        server.wait(30)


def _ready(client: httpx.Client) -> None:
    for _ in range(600):
        try:
            if client.get("/readyz").status_code == 200 and not client.get("/v1/users/1/recommendations").json().get(
                "degraded", True
            ):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit("The service did not start.")


def _change(client: httpx.Client, users: list[str], popular: list[str]) -> None:
    """What a shop does in a day: new items, hidden ones, impressions, rejections, clicks."""
    for number in range(6):
        columns = {"title": f"The New War Story {number}", "genres": ["War", "Drama"][: 1 + number % 2], "year": 1999}
        client.put(f"/v1/items/new-{number}", json={"columns": columns}).raise_for_status()
    for item in popular[3:6]:
        client.put(f"/v1/items/{item}", json={"columns": {"title": "Hidden"}, "hidden": True}).raise_for_status()
    for item in popular[6:8]:
        client.delete(f"/v1/items/{item}").raise_for_status()
    events: list[dict[str, Any]] = []
    moment = NOW // 1000
    for place, user in enumerate(users):
        for number in range(place % 5):
            shown = popular[8 + place % 7]
            events.append({"id": f"s-{place}-{number}", "user": user, "item": shown, "type": "shown"})
        if place % 3 == 0:
            rejected = popular[20 + place % 9]
            event = {"id": f"l-{place}", "user": user, "item": rejected, "kind": "dislike"}
            events.append({**event, "time": moment - 1_000_000})
        if place % 4 == 0:
            events.append({"id": f"v-{place}", "user": user, "item": f"new-{place % 6}", "kind": "rating", "value": 5})
    for start in range(0, len(events), 100):
        client.post("/v1/events", json={"events": events[start : start + 100]}).raise_for_status()
    time.sleep(15)  # the language model reads the new items


def _asked(client: httpx.Client, users: list[str], popular: list[str]) -> Iterator[tuple[str, Any]]:
    def get(path: str) -> tuple[str, Any]:
        return path, client.get(path).json()

    def post(path: str, body: Any) -> tuple[str, Any]:
        return f"{path} {json.dumps(body)}", client.post(path, json=body).json()

    for user in users:
        yield get(f"/v1/users/{user}/recommendations?n=10&explain=true")
        yield get(f"/v1/users/{user}/recommendations?n=20&scene=home")
    for user in users[::3]:
        for scene in ("again", "drama"):
            yield get(f"/v1/users/{user}/recommendations?n=10&scene={scene}&explain=true")
        cursor = None
        for _ in range(3):
            path = f"/v1/users/{user}/recommendations?n=7" + (f"&cursor={cursor}" if cursor else "")
            asked = get(path)
            cursor = asked[1].get("cursor")
            yield (f"page of {user}", asked[1])
            if cursor is None:
                break
        yield post("/v1/rank", {"user": user, "items": popular[:12], "explain": True})
    for number in range(40):
        taken = [{"item": item} for item in popular[number % 20 : number % 20 + 1 + number % 5]]
        yield post("/v1/recommendations", {"history": taken, "n": 10, "explain": True})
        if number % 4 == 0:
            yield post("/v1/recommendations", {"history": taken, "n": 10, "allowed": popular})
            likes = ["Drama", "War", "Comedy"][: 1 + number % 3]
            yield post("/v1/recommendations", {"likes": likes, "n": 10, "explain": True})
            body = {"history": taken, "n": 10, "filter": {"year": {"min": 1990}, "genres": ["Comedy"]}}
            yield post("/v1/recommendations", body)
    yield post("/v1/recommendations", {"history": [], "n": 20})
    yield post("/v1/recommendations/batch", {"users": users[:20], "n": 10})
    for item in [*popular[10:40], "new-1"]:
        yield get(f"/v1/items/{item}/similar?n=10")
    for text in ("star wars", "war drama", "toy storry", "comedies of 1995"):
        yield get(f"/v1/search?q={text}&n=10")
        yield get(f"/v1/search?q={text}&n=10&user=196")


LEFT_OUT = {"recommendation_id", "seconds", "cursor", "text", "outcome", "trace"}


def _plain(answer: Any) -> Any:
    """The answer without what differs from run to run, and without wording."""
    if isinstance(answer, dict):
        return {name: _plain(value) for name, value in answer.items() if name not in LEFT_OUT}
    if isinstance(answer, list):
        return [_plain(value) for value in answer]
    return answer


def compare(old: Path, new: Path) -> int:
    """Print how many answers differ, and the first of them; returns that number."""
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (old, new))
    different = [
        (one, other)
        for one, other in zip(map(json.loads, before), map(json.loads, after), strict=True)
        if not _same(one, other)
    ]
    print(f"{len(before):,} answers, {len(different):,} differ")
    for one, other in different[:5]:
        print(one["group"], one["question"][:150])
        for name in one["answer"]:
            if not _same(one["answer"][name], other["answer"].get(name)):
                print(f"  {name}:\n    {_short(one['answer'][name])}\n    {_short(other['answer'].get(name))}")
    return len(different)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 2e-5 * max(abs(one), abs(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _short(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "id" in value[0]:
        return str([(item["id"], item.get("score")) for item in value])
    return json.dumps(value)[:300]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorded_answers", description=__doc__)
    parser.add_argument("what", choices=("record", "compare"))
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    asked = parser.parse_args()
    if asked.what == "record":
        record(asked.first, asked.second)
    else:
        raise SystemExit(1 if compare(asked.first, asked.second) else 0)


if __name__ == "__main__":
    main()
