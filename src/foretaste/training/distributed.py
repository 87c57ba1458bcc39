"""Data-parallel training in several processes: each takes a shard of every batch, gradients are averaged.

Rank 0 is the leader: it alone reads data, calls the monitor and writes to disk. The other ranks receive everything by
broadcast, as safetensors, never as a pickle.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load, save
from torch import Tensor
from torch import distributed as dist

from foretaste.training.batches import every_nth_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import nn

    from foretaste.training.batches import TrainingBatch

ENDED = float("inf")
"""Broadcast by the leader when it aborts a training: an interrupt, a deadline or an error."""


class EndedByLeaderError(Exception):
    """The leader has aborted this training; it may start another."""


class ProcessGroup:
    """Collective operations of a training; with a single process all of them do nothing.

    rank : of this process; 0 is the leader
    size : number of processes

    Every process must make the same calls in the same order, or all of them deadlock.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self._within_step = False

    @property
    def is_leader(self) -> bool:
        return self.rank == 0

    @property
    def others_waiting(self) -> bool:
        """Whether the other ranks wait for a broadcast of the leader; false after an error within a step."""
        return not self._within_step

    def shard(self, batch: TrainingBatch) -> TrainingBatch:
        """This rank's rows of a batch; all ranks draw the same batch, so the shards make up the whole."""
        return batch if self.size == 1 else every_nth_row(batch, self.rank, self.size)

    def broadcast_number(self, value: float = 0.0) -> float:
        """The leader's number, on every rank; EndedByLeaderError where the leader has aborted the training."""
        if self.size == 1:
            return value
        if not self.others_waiting:
            raise RuntimeError("A training failed within a step; restart all processes.")
        received = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(received, src=0)
        if float(received) == ENDED and not self.is_leader:
            raise EndedByLeaderError
        return float(received)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Context of one optimiser step."""
        self.broadcast_number()
        self._within_step = True
        yield
        self._within_step = False  # not after an error: the other ranks then wait for gradients

    def end(self) -> None:
        """Abort the training on the other ranks, which wait for the next step."""
        if self.size > 1 and self.is_leader and self.others_waiting:
            self.broadcast_number(ENDED)

    def average_gradients(self, parameters: Sequence[nn.Parameter], loss: float, count: int) -> tuple[float, int]:
        """All-reduce gradients in place; returns loss and number of targets of the whole batch.

        The loss is a mean over targets, so each rank is weighted by its targets. All sums travel in one message.
        """
        if self.size == 1:
            return loss, count
        parts = [
            torch.zeros(p.numel(), device=p.device) if p.grad is None else p.grad.detach().float().flatten() * count
            for p in parameters
        ]
        has = [float(p.grad is not None) for p in parameters]
        flat = torch.cat([*parts, torch.tensor([loss * count, count, *has], device=parts[0].device)])
        dist.all_reduce(flat)
        sums = flat[-2 - len(has) :].tolist()
        total, all_targets = sums[0], max(1.0, sums[1])
        flat /= all_targets
        start = 0
        for parameter, anywhere in zip(parameters, sums[2:], strict=True):
            end = start + parameter.numel()
            # A parameter without a gradient on any rank stays untouched, as in a single process.
            parameter.grad = flat[start:end].view_as(parameter).to(parameter.dtype) if anywhere else None
            start = end
        return total / all_targets, round(sums[1])

    def broadcast(self, tensors: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """The leader's tensors, on every rank; the other ranks pass nothing."""
        own = dict(tensors or {})
        if self.size == 1:
            return own
        packed = torch.empty(0, dtype=torch.uint8)
        if self.is_leader:
            packed = torch.frombuffer(bytearray(save({k: t.contiguous() for k, t in own.items()})), dtype=torch.uint8)
        length = torch.tensor([len(packed)])
        dist.broadcast(length, src=0)
        if not self.is_leader:
            packed = torch.empty(int(length), dtype=torch.uint8)
        dist.broadcast(packed, src=0)
        return own if self.is_leader else load(packed.numpy().tobytes())


SINGLE_PROCESS = ProcessGroup()
_current = SINGLE_PROCESS


def current_group() -> ProcessGroup:
    """The group set by `train_with`, else SINGLE_PROCESS."""
    return _current


@contextmanager
def train_with(processes: ProcessGroup) -> Iterator[None]:
    """Trainings started within this context use these processes."""
    global _current
    before, _current = _current, processes
    try:
        yield
    finally:
        _current = before
