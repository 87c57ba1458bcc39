"""Several processes that learn one network together: each takes a share of every batch, gradients are averaged.

One process leads: it alone reads data, asks the monitor, and writes to disk. The others have nothing but the network
and what the lead tells them. What is told travels as safetensors, never as a pickle.
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
"""Said instead of anything else when the lead gives a training up: somebody pressed a key, or time is over."""


class EndedByLeaderError(Exception):
    """The lead has given this training up; it may begin another."""


class ProcessGroup:
    """What a training asks of its fellow processes; of a single process all of it is nothing at all.

    rank : of this process; 0 leads
    size : processes in all

    Every process makes the same calls in the same order, or all of them wait for ever.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self._within_step = False

    @property
    def is_leader(self) -> bool:
        return self.rank == 0

    @property
    def others_waiting(self) -> bool:
        """Whether the others wait for a word of the lead; not so where something went wrong in the midst of a step."""
        return not self._within_step

    def shard(self, batch: TrainingBatch) -> TrainingBatch:
        """This process's rows of a batch; all draw the same batch, so together they have the whole of it."""
        return batch if self.size == 1 else every_nth_row(batch, self.rank, self.size)

    def broadcast_number(self, value: float = 0.0) -> float:
        """The lead's number, on every process; EndedByLeaderError where the lead has ended the training."""
        if self.size == 1:
            return value
        if not self.others_waiting:
            raise RuntimeError("A training went wrong in the midst of a step; the processes must be started again.")
        told = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(told, src=0)
        if float(told) == ENDED and not self.is_leader:
            raise EndedByLeaderError
        return float(told)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around the learning from one batch."""
        self.broadcast_number()
        self._within_step = True
        yield
        self._within_step = False  # not after an error: the others then wait for gradients, and hear nothing else

    def end(self) -> None:
        """Tell the others, who wait for the next step, that there is none."""
        if self.size > 1 and self.is_leader and self.others_waiting:
            self.broadcast_number(ENDED)

    def average_gradients(self, parameters: Sequence[nn.Parameter], loss: float, count: int) -> tuple[float, int]:
        """Gradients become those of the whole batch; so do the loss and the count of targets, which are returned.

        The loss is a mean over targets, so each process weighs as much as it has targets. All sums go in one message.
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
            # What no process has a gradient for stays untouched, as it would in a single process.
            parameter.grad = flat[start:end].view_as(parameter).to(parameter.dtype) if anywhere else None
            start = end
        return total / all_targets, round(sums[1])

    def broadcast(self, tensors: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """The lead's tensors, on every process; the others hand nothing in."""
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
    """Those this process learns with: set by `train_with`, else it is alone."""
    return _current


@contextmanager
def train_with(processes: ProcessGroup) -> Iterator[None]:
    """Every training begun within is learned by these processes together."""
    global _current
    before, _current = _current, processes
    try:
        yield
    finally:
        _current = before
