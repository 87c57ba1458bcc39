"""The one training loop: AdamW, warm-up, clipping, averaging, early stopping, checkpoints."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.training.checkpoint import read_checkpoint, write_checkpoint
from foretaste.training.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from foretaste.training.config import TrainingConfig
    from foretaste.training.rows import Lesson
    from foretaste.types import Run


class Lessons(Protocol):
    def epoch(self, batch_events: int, rng: np.random.Generator) -> Iterator[Lesson]:
        """One pass over the data in batches of about so many events, in an order drawn by rng."""
        ...

    def steps(self, batch_events: int) -> int:
        """Batches of an epoch."""
        ...


@dataclass
class Progress:
    """Where a training stands; a checkpoint holds this and the weights.

    losses, scores, seconds : one of each per epoch done; scores are nan without a monitor
    best_epoch : epochs done when the score was highest; without a monitor, all
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int = 0

    @property
    def epochs(self) -> int:
        return len(self.losses)

    @property
    def best_score(self) -> float:
        return self.scores[self.best_epoch - 1] if self.best_epoch else -np.inf


def train(
    network: nn.Module,
    loss: Callable[[Lesson], Tensor],
    lessons: Lessons,
    config: TrainingConfig,
    run: Run,
    *,
    monitor: Callable[[], float] | None = None,
    fingerprint: str = "",
) -> Progress:
    """Train `network` in place; with a monitor, what remains are the weights of its best epoch.

    loss        : of one lesson, through the network
    monitor     : the validation score of the network as it stands; higher is better
    fingerprint : of data and settings; a checkpoint of another is not continued
    """
    keep_freed_memory()
    steps = max(1, lessons.steps(config.batch_events))
    epochs = max(config.epochs, -(-config.least_steps // steps))
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in learned if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        fused=True,
    )
    average = _Average(network, config.averaging) if config.averaging else None
    state = _State(network, optimizer, average)
    best: dict[str, Tensor] = {}
    progress = Progress()
    folder = run.folder and run.folder / "checkpoint"
    if folder and (found := read_checkpoint(folder, fingerprint)):
        progress, best = Progress(**found.progress), found.best
        state.restore(found.state)

    while progress.epochs < epochs and not (
        monitor and progress.epochs - progress.best_epoch >= max(config.patience, config.least_steps // steps)
    ):
        began = perf_counter()
        number = progress.epochs
        # Every random choice of an epoch follows from the seed and its number: a training that was killed goes on
        # from the last whole epoch and comes to the same weights.
        rng = np.random.default_rng([run.seed, number])
        total, count = 0.0, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**62)))
            network.train()
            for done, lesson in enumerate(lessons.epoch(config.batch_events, rng)):
                value = loss(lesson)
                optimizer.zero_grad(set_to_none=True)
                value.backward()  # type: ignore[no-untyped-call]  # torch leaves it so
                nn.utils.clip_grad_norm_(learned, config.clip)
                state.steps += 1
                for group in optimizer.param_groups:
                    group["lr"] = config.learning_rate * min(1.0, state.steps / max(1, config.warm_up_steps))
                optimizer.step()
                if average:
                    average.update(network)
                total += float(value.detach()) * len(lesson.targets)
                count += len(lesson.targets)
                run.progress(f"training, epoch {number + 1} of at most {epochs}", done + 1, steps)
        progress.losses.append(total / max(1, count))
        network.eval()
        kept = average.weights if average else _weights(network)
        if monitor:
            with _Borrowed(network, kept):
                score = monitor()
            if score > progress.best_score:
                progress.best_epoch = progress.epochs
                best = {name: weight.clone() for name, weight in kept.items()}
            progress.scores.append(score)
        else:
            progress.best_epoch = progress.epochs
            progress.scores.append(float("nan"))
        progress.seconds.append(perf_counter() - began)
        if folder:
            write_checkpoint(folder, fingerprint, progress, state.tensors(), best)
    network.load_state_dict(best or (average.weights if average else {}), strict=False)
    network.eval()
    return progress


class _Average:
    """An exponential moving average of the weights (Polyak & Juditsky 1992), young averages corrected."""

    def __init__(self, network: nn.Module, keep: float) -> None:
        self.keep, self.updates = keep, 0
        self.weights = {name: weight.clone() for name, weight in _weights(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.updates += 1
        keep = min(self.keep, (1 + self.updates) / (10 + self.updates))
        for name, weight in _weights(network).items():
            self.weights[name].lerp_(weight, 1 - keep)


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in network.named_parameters() if parameter.requires_grad}


class _Borrowed:
    """The network with other weights, for as long as it is looked at."""

    def __init__(self, network: nn.Module, weights: dict[str, Tensor]) -> None:
        self.network, self.weights = network, weights

    def __enter__(self) -> None:
        self.own = {name: weight.clone() for name, weight in _weights(self.network).items()}
        self.network.load_state_dict(self.weights, strict=False)

    def __exit__(self, *error: object) -> None:
        self.network.load_state_dict(self.own, strict=False)


class _State:
    """Everything that must be the same again after a kill, as named tensors."""

    def __init__(self, network: nn.Module, optimizer: Any, average: _Average | None) -> None:
        self.network, self.optimizer, self.average = network, optimizer, average
        self.steps = 0

    def tensors(self) -> dict[str, Tensor]:
        found = {f"weight/{name}": weight for name, weight in _weights(self.network).items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer/{index}/{slot}": torch.as_tensor(value) for slot, value in slots.items()}
        found["steps"] = torch.tensor(self.steps)
        if self.average:
            found |= {f"average/{name}": weight for name, weight in self.average.weights.items()}
            found["updates"] = torch.tensor(self.average.updates)
        return found

    def restore(self, tensors: dict[str, Tensor]) -> None:
        self.network.load_state_dict(_below("weight/", tensors), strict=False)
        state = copy.deepcopy(self.optimizer.state_dict())
        for key, tensor in _below("optimizer/", tensors).items():
            index, slot = key.split("/")
            state["state"].setdefault(int(index), {})[slot] = tensor
        self.optimizer.load_state_dict(state)
        self.steps = int(tensors["steps"])
        if self.average:
            self.average.weights = _below("average/", tensors)
            self.average.updates = int(tensors["updates"])


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
