"""foretaste: `sasrec` with its default settings, which are the width, depth and dropout of this comparison."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import polars as pl
import torch
from training_common import BLOCKS, DROPOUT, HEADS, LENGTH, SEED, WIDTH, Curve, Task

import foretaste
from foretaste.models.sequence.sasrec import SasRec, SasRecConfig
from foretaste.types import Queries, Run

torch.set_num_threads(1)
task = Task()
curve = Curve(task)
data = foretaste.Dataset.from_frame(pl.DataFrame({"user": task.user, "item": task.item}))
names = data.items.ids.names.cast(pl.Int64).to_numpy()  # of the codes foretaste gave
code_of = np.full(task.n_items, -1, np.int32)
code_of[names] = np.arange(data.n_items)
queries = Queries.guests([code_of[history] for history in task.histories])


class EnoughError(Exception):
    """The time is up; the way out of a training, which has no other."""


def monitor(model: SasRec) -> float:
    curve.__exit__()
    states, _ = model.trained.states(queries)
    scores = np.full((len(task.people), task.n_items), -np.inf, np.float32)
    scores[:, names] = states @ model.trained.vectors.T
    if curve.judge(scores):
        raise EnoughError
    curve.__enter__()
    return curve.points[-1]["ndcg"]


config = SasRecConfig(width=WIDTH, blocks=BLOCKS, heads=HEADS, max_length=LENGTH, dropout=DROPOUT)
model = SasRec(config)
curve.__enter__()
with suppress(EnoughError):
    model.fit(data, replace(Run(seed=SEED), monitor=monitor))
curve.keep(finished=True, version=foretaste.__version__, settings=config.model_dump_json())
