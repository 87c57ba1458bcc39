"""The one training loop: AdamW, warm-up, clipping, averaging, early stopping, checkpoints, one process or several."""

from __future__ import annotations

import json
from dataclasses import asdict
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.allocator import keep_freed_memory
from foretaste.training.distributed import ProcessGroup, current_group
from foretaste.training.progress import TrainingProgress
from foretaste.training.run_folder import RunFolder
from foretaste.training.state import SwappedWeights, TrainingState

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.training.batches import BatchSource, TrainingBatch
    from foretaste.training.config import TrainingConfig
    from foretaste.types import Run


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
    """Train `network` in place; with a monitor, the weights of its best epoch remain.

    With several processes (`distributed.train_with`) each of them calls this with the same network, batches and config;
    the monitor, checkpoint and folder of the leader count.

    loss        : of one batch, through the network; a mean over its targets
    batches     : of the training data
    monitor     : validation score of the current network; higher is better
    name        : of the training, in the files of `run.folder`
    fingerprint : of data and settings; a checkpoint with another one is not resumed
    returns     : losses, scores and times per epoch
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
    if run_folder and (checkpoint := run_folder.read()):
        progress, best = TrainingProgress(**checkpoint.progress), checkpoint.best
        if checkpoint.finished:
            network.load_state_dict(best, strict=False)
            network.eval()
        else:
            state.restore(checkpoint.state)
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
    """One epoch; returns the mean loss and the number of targets it is a mean over."""
    config = state.config
    # Every random choice of an epoch follows from the seed and the epoch's number, so a training that was killed
    # resumes from its last complete epoch and reaches the same weights.
    rng = np.random.default_rng([run.seed, number])
    total, count = 0.0, 0
    device = next(network.parameters()).device
    on_accelerator = device.type != "cpu"
    # On a CPU the losses choose bfloat16 themselves where it pays; on an accelerator it pays everywhere.
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=on_accelerator and config.precision == "bfloat16")
    with torch.random.fork_rng([device.index] if on_accelerator else [], device_type=device.type):
        # All ranks draw the same batches; dropout in their shards differs.
        torch.manual_seed(int(rng.integers(2**62)) + processes.rank)
        network.train()
        for done, whole in enumerate(batches.epoch(config.batch_events, rng)):
            with processes.step():
                batch = processes.shard(whole)
                state.optimizer.zero_grad(set_to_none=True)
                mean_loss, targets = 0.0, len(batch.targets)
                if targets:
                    with autocast:
                        value = loss(batch.to(device) if on_accelerator else batch)
                    value.backward()  # type: ignore[no-untyped-call]  # torch leaves it so
                    mean_loss = float(value.detach())
                mean_loss, targets = processes.average_gradients(state.trainable, mean_loss, targets)
                state.step()
            total += mean_loss * targets
            count += targets
            run.progress(what, done + 1, steps)
    return total / max(1, count), count


def _synchronised(processes: ProcessGroup, state: TrainingState, progress: TrainingProgress) -> TrainingProgress:
    """Progress and state of the leader (from the start or its checkpoint), on every rank."""
    packed = torch.frombuffer(bytearray(json.dumps(asdict(progress)).encode()), dtype=torch.uint8)
    received = processes.broadcast({**state.tensors(), "progress": packed} if processes.is_leader else None)
    if not processes.is_leader:
        progress = TrainingProgress(**json.loads(received.pop("progress").numpy().tobytes()))
        state.restore(received)
    return progress
