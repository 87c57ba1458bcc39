"""One network, several processes or hosts: started by torchrun, led by the first of them.

    python -m torch.distributed.run --nproc-per-node 2 -m foretaste train -p shop

The first process runs the command, alone with data and disk; the others hold no data, and help with every network that
it trains.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.training.distributed import ProcessGroup

TRAIN, LEAVE = 0.0, 1.0
LONGEST_WAIT_DAYS = 30
"""The lead may do other things for long between two trainings; a process that dies is noticed at once all the same."""


def started_by_torchrun() -> bool:
    """Whether this is one of several processes; asked before torch is loaded."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ and "MASTER_ADDR" in os.environ


@contextmanager
def several_processes() -> Iterator[None]:
    """Around the work of the first process, or of the only one; the others never come to the block.

    with several_processes():
        SasRec().fit(data, Run(folder=Path("run")))

    They help with every network trained in it, and end with it. Batches are split by rows and gradients averaged
    (gloo; nccl between GPUs), so the weights are those of one process, up to rounding and to what dropout drops.
    """
    if not started_by_torchrun():
        yield
        return
    from datetime import timedelta

    from torch import distributed as dist

    from foretaste.training.distributed import ProcessGroup, train_with

    dist.init_process_group(_backend(), timeout=timedelta(days=LONGEST_WAIT_DAYS))
    processes = ProcessGroup(dist.get_rank(), dist.get_world_size())
    try:
        with train_with(processes):
            if not processes.is_leader:
                _help(processes)
                _leave()
            try:
                yield
            finally:
                # Also after an error: the others wait for the next training, unless it came in the midst of a step.
                if processes.others_waiting:
                    processes.broadcast_number(LEAVE)
    finally:
        dist.destroy_process_group()


def _backend() -> str:
    """What processes say to each other lies in memory, and gradients where the network is."""
    import torch
    from torch import distributed as dist

    return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"


def _leave() -> NoReturn:
    """Threads of gloo are seen to abort an interpreter that shuts down, and torchrun would call that a failure."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _help(processes: ProcessGroup) -> None:
    from foretaste.models.sequence.course import Course
    from foretaste.models.sequence.learn import taught
    from foretaste.registry import model_class
    from foretaste.training.distributed import EndedByLeaderError
    from foretaste.types import Run

    while processes.broadcast_number() != LEAVE:
        course = Course.from_tensors(processes.broadcast())
        network: object = model_class(course.name)
        try:
            taught(course, network.network, Run(seed=course.seed, device=course.device))  # type: ignore[attr-defined]  # sequence models have one
        except EndedByLeaderError:
            continue
