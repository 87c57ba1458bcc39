"""Several processes that send the same events again and again, in any order, some of them killed: each counts once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from foretaste.events.model import Mark
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

CLIENT = """
import random, sys, threading
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore

store, seed, n = SqliteStore(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)

def send(seed):
    rng = random.Random(seed)
    ids = [i for i in range(n) for _ in range(3)]
    rng.shuffle(ids)
    while ids:
        batch = [ids.pop() for _ in range(min(len(ids), rng.choice([1, 1, 7])))]
        outcomes = store.append([Event(f"e{i}", f"u{i % 5}", f"i{i}", "view", i) for i in batch])
        for i, outcome in zip(batch, outcomes):
            assert outcome.status in ("accepted", "duplicate"), outcome
            print(outcome.status, i, flush=True)

threads = [threading.Thread(target=send, args=(10 * seed + k,)) for k in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done", flush=True)
"""
N = 120


def test_every_event_counts_once_and_none_is_lost_or_made_up(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    rng = random.Random(0)
    clients = []
    for seed in range(3):
        command = [sys.executable, "-c", CLIENT, str(path), str(seed), str(N)]
        clients.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    killed, *others = clients
    assert killed.stdout is not None
    for _ in range(rng.randint(60, 100)):
        killed.stdout.readline()
    os.kill(killed.pid, signal.SIGKILL)
    said: list[str] = []
    for client in clients:
        out, err = client.communicate(timeout=60)
        said += out.splitlines()
        assert client is killed or out.endswith("done\n"), err
    assert len(others) == 2

    store = SqliteStore(path)
    assert sorted(store.frame()["time"].to_list()) == list(range(N))
    accepted = [line for line in said if line.startswith("accepted")]
    assert len(accepted) == len(set(accepted)), "nobody is told twice that an event is new"
    news = store.follow(Mark())
    assert [event.seq for event in news.events] == list(range(1, N + 1))
    assert sum(n for _, n in store.users(10)) == N
    store.close()
