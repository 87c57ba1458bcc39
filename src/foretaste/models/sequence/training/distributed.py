"""Data-parallel training in several processes or on several hosts, started by torchrun and led by rank 0.

    python -m torch.distributed.run --nproc-per-node 2 -m foretaste train -p shop

Rank 0 runs the command and alone reads data and writes to disk; the other processes hold no data, and take part in
every training job that it sends them.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.training.distributed import ProcessGroup

TIMEOUT_DAYS = 30
"""Rank 0 may do other work for long between two trainings; a process that dies is noticed at once all the same."""


def started_by_torchrun() -> bool:
    """Whether torchrun started this as one of several processes; does not import torch."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ and "MASTER_ADDR" in os.environ


@contextmanager
def several_processes() -> Iterator[None]:
    """Run the block in rank 0, or in the only process; the other processes never enter it.

    with several_processes():
        SasRec().fit(data, Run(folder=Path("run")))

    The others take part in every training of the block, and exit when it ends. Batches are split by rows and gradients
    averaged (gloo; nccl between GPUs), so the weights are those of a single process, up to rounding and dropout masks.
    """
    if not started_by_torchrun():
        yield
        return
    from datetime import timedelta

    from torch import distributed as dist

    from foretaste.training.distributed import ProcessGroup, train_with

    dist.init_process_group(_backend(), timeout=timedelta(days=TIMEOUT_DAYS))
    processes = ProcessGroup(dist.get_rank(), dist.get_world_size())
    try:
        with train_with(processes):
            if not processes.is_leader:
                _serve_training_jobs(processes)
                _exit()
            try:
                yield
            finally:
                # Also after an error, unless it came within a step: the others wait for the next training.
                if processes.others_waiting:
                    from foretaste.models.sequence.training.job import LEAVE

                    processes.broadcast_number(LEAVE)
    finally:
        dist.destroy_process_group()


def _backend() -> str:
    """Messages between processes are in CPU memory, gradients on the device of the network."""
    import torch
    from torch import distributed as dist

    return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"


def _exit() -> NoReturn:
    """At once, since threads of gloo may abort a normal interpreter shutdown, which torchrun reports as a failure."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _serve_training_jobs(processes: ProcessGroup) -> None:
    """Take part in the trainings of rank 0 until it leaves."""
    from foretaste.models.sequence.training.fit import train_network
    from foretaste.models.sequence.training.job import LEAVE, TrainingJob
    from foretaste.training.distributed import EndedByLeaderError
    from foretaste.types import Run

    while processes.broadcast_number() != LEAVE:
        job = TrainingJob.from_tensors(processes.broadcast())
        try:
            train_network(job, job.model_class.network, Run(seed=job.seed, device=job.device))
        except EndedByLeaderError:
            continue
