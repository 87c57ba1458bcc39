"""The one training loop: AdamW, warm-up, clipping, averaging, early stopping, checkpoints, one process or several."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.allocator import keep_freed_memory
from foretaste.training.distributed import ProcessGroup, current_group
from foretaste.training.run_folder import RunFolder
from foretaste.training.state import SwappedWeights, TrainingState

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.training.batches import BatchSource, TrainingBatch
    from foretaste.training.config import TrainingConfig
    from foretaste.types import Run


@dataclass
class TrainingProgress:
    """Where a training stands; a checkpoint holds this and the weights.

    losses, scores, seconds, events : one of each per epoch done; scores are nan without a monitor
    best_epoch : epochs done when the score was highest; without a monitor, all
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    best_epoch: int = 0

    @property
    def epochs(self) -> int:
        return len(self.losses)

    @property
    def best_score(self) -> float:
        return self.scores[self.best_epoch - 1] if self.best_epoch else -np.inf

    @property
    def summary(self) -> str:
        """The last epoch in a few words, for a progress bar."""
        if not self.epochs:
            return ""
        score = "" if np.isnan(self.scores[-1]) else f", validation {self.scores[-1]:.4f}"
        return f" (loss {self.losses[-1]:.3f}{score}, {self.events[-1] / max(1e-9, self.seconds[-1]):,.0f} events/s)"


def train_loop(
    network: nn.Module,
    loss: Callable[[TrainingBatch], Tensor],
    batches: BatchSource,
    config: TrainingConfig,
    run: Run,
    *,
    monitor: Callable[[], float] | None = None,
    name: str = "network",
    fingerprint: str = "",
) -> TrainingProgress:
    """Train `network` in place; with a monitor, what remains are the weights of its best epoch.




    loss        : of one lesson, through the network; a mean over its targets
    monitor     : the validation score of the network as it stands; higher is better
    name        : of the training, in the files it leaves in the folder of the run
    fingerprint : of data and settings; a checkpoint of another is not continued
    """
    keep_freed_memory()
    processes = current_group()
    steps = max(1, batches.steps(config.batch_events))
    epochs = max(config.epochs, -(-config.least_steps // steps))
    patience = max(config.patience, config.least_steps // steps)
    state = TrainingState(network, config)
    run_folder = None
    if run.folder and processes.is_leader:
        run_folder = RunFolder(run.folder, name, f"{fingerprint} seed {run.seed}")
    progress, best = TrainingProgress(), dict[str, Tensor]()
    if run_folder and (found := run_folder.read()):
        progress, best = TrainingProgress(**found.progress), found.best
        if found.finished:
            network.load_state_dict(best, strict=False)
            network.eval()
        else:
            state.restore(found.state)
    if processes.size > 1:
        progress = _synchronised(processes, state, progress)
    if run_folder:
        run_folder.start(progress)
    try:
        while progress.epochs < epochs and not (monitor and progress.epochs - progress.best_epoch >= patience):
            began = perf_counter()
            what = f"training, epoch {progress.epochs + 1} of at most {epochs}{progress.summary}"
            mean, count = _epoch(network, loss, batches, state, processes, run, progress.epochs, what, steps)
            progress.losses.append(mean)
            network.eval()
            score = float("nan")
            if monitor:
                if processes.is_leader:
                    with SwappedWeights(network, state.inference_weights):
                        score = monitor()
                score = processes.broadcast_number(score)
            if not monitor or score > progress.best_score:
                progress.best_epoch = progress.epochs
                if monitor:
                    best = {name: weight.clone() for name, weight in state.inference_weights.items()}
            progress.scores.append(score)
            progress.events.append(count)
            progress.seconds.append(perf_counter() - began)
            if run_folder:
                run_folder.epoch_done(progress, state.tensors(), best)
    except BaseException:
        processes.end()
        raise
    best = best or {name: weight.clone() for name, weight in state.inference_weights.items()}
    network.load_state_dict(best, strict=False)
    network.eval()
    if run_folder:
        run_folder.finish(progress, best)
    return progress


def _epoch(
    network: nn.Module,
    loss: Callable[[TrainingBatch], Tensor],
    batches: BatchSource,
    state: TrainingState,
    processes: ProcessGroup,
    run: Run,
    number: int,
    what: str,
    steps: int,
) -> tuple[float, int]:
    """One pass over the data; the mean loss, and the targets it is a mean over."""
    config = state.config
    # Every random choice of an epoch follows from the seed and its number: a training that was killed goes on
    # from the last whole epoch and comes to the same weights.
    rng = np.random.default_rng([run.seed, number])
    total, count = 0.0, 0
    device = next(network.parameters()).device
    apart = device.type != "cpu"
    # On a processor the products that pay in bfloat16 say so themselves; an accelerator is fast at all of them.
    low = torch.autocast(device.type, torch.bfloat16, enabled=apart and config.precision == "bfloat16")
    with torch.random.fork_rng([device.index] if apart else [], device_type=device.type):
        # All processes draw the same batches; what is dropped from their shares is their own.
        torch.manual_seed(int(rng.integers(2**62)) + processes.rank)
        network.train()
        for done, whole in enumerate(batches.epoch(config.batch_events, rng)):
            with processes.step():
                batch = processes.shard(whole)
                state.optimizer.zero_grad(set_to_none=True)
                found, targets = 0.0, len(batch.targets)
                if targets:
                    with low:
                        value = loss(batch.to(device) if apart else batch)
                    value.backward()  # type: ignore[no-untyped-call]  # torch leaves it so
                    found = float(value.detach())
                found, targets = processes.average_gradients(state.trainable, found, targets)
                state.step()
            total += found * targets
            count += targets
            run.progress(what, done + 1, steps)
    return total / max(1, count), count


def _synchronised(processes: ProcessGroup, state: TrainingState, progress: TrainingProgress) -> TrainingProgress:
    """Every process stands where the lead stands: at the beginning, or at its checkpoint."""
    said = torch.frombuffer(bytearray(json.dumps(asdict(progress)).encode()), dtype=torch.uint8)
    told = processes.broadcast({**state.tensors(), "progress": said} if processes.is_leader else None)
    if not processes.is_leader:
        progress = TrainingProgress(**json.loads(told.pop("progress").numpy().tobytes()))
        state.restore(told)
    return progress
