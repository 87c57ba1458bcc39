"""One request with a history of 50: the whole pass, one event more, and finding the ten best; one core.

python -m benchmarks forward
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import worlds
from foretaste.registry import model_class
from foretaste.training.config import TrainingConfig
from foretaste.types import History, Queries, Run

if TYPE_CHECKING:
    from collections.abc import Callable

ITEMS, EVENTS, ROUNDS = 12_101, 50, 2_000
"""As many items as amazon-beauty has. What a network has learned does not change how long it takes."""
BAR_MILLISECONDS = {"whole history": 2.0, "one event more": 0.5}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "sasrec": ("sasrec", {}),
    "sasrec, 2 blocks": ("sasrec", {"blocks": 2}),
    "hstu": ("hstu", {}),
    "gru4rec": ("gru4rec", {}),
}


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    world = worlds.dataset(np.repeat(np.arange(300), 50), rng.integers(0, ITEMS, 15_000), n_items=ITEMS)
    barely = TrainingConfig(epochs=1, least_steps=0, batch_events=4096)
    measured = {
        name: of_model(_made(model, {"training": barely, **settings}), world, rounds)
        for name, (model, settings) in ASKED.items()
    }
    return {"items": ITEMS, "events": EVENTS, "rounds": rounds, "bars_ms": BAR_MILLISECONDS, "milliseconds": measured}


def _made(name: str, settings: dict[str, Any]) -> Any:
    made = model_class(name)
    return made(made.config_class.model_validate(settings))


def of_model(model: Any, world: Any, rounds: int) -> dict[str, Any]:
    model.fit(world, Run(seed=0))
    histories = [world.histories().take(np.array([person])) for person in range(world.n_users)]
    queries = [Queries(np.full(1, -1, np.int32), history) for history in histories]
    sessions = [model.session(part(history, 0, EVENTS - 1)) for history in histories]
    newest = [part(history, EVENTS - 1, EVENTS) for history in histories]
    n = len(histories)
    apart = [
        float(np.abs(sessions[i].then(newest[i]).state - model.trained.states(queries[i])[0]).max()) for i in range(n)
    ]
    return {
        "whole history": of_calls(lambda i: model.trained.states(queries[i % n]), rounds),
        "one event more": of_calls(lambda i: sessions[i % n].then(newest[i % n]), rounds),
        "ten best after the whole history": of_calls(lambda i: model.recommend(queries[i % n], 10), rounds),
        "ten best after one event more": of_calls(lambda i: sessions[i % n].then(newest[i % n]).recommend(10), rounds),
        "largest difference of a state": max(apart),
    }


def of_calls(call: Callable[[int], object], rounds: int) -> dict[str, float]:
    """Milliseconds: the median and the slowest in a hundred."""
    taken = np.empty(rounds)
    for i in range(-50, rounds):
        began = perf_counter()
        call(i)
        if i >= 0:
            taken[i] = perf_counter() - began
    return {"median": round(float(np.median(taken)) * 1e3, 3), "p99": round(float(np.quantile(taken, 0.99)) * 1e3, 3)}


def part(history: History, start: int, end: int) -> History:
    keep = np.zeros(len(history.items), bool)
    keep[start:end] = True
    return history.where(keep)


if __name__ == "__main__":
    print(run())
