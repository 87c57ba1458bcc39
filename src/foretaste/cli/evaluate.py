"""foretaste evaluate: the leaderboard, and nothing is written or put to use."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json
from foretaste.cli.train import Models, Seed


class Splits(StrEnum):
    leave_one_out = "leave-one-out"
    time = "time"


def evaluate(
    project: Folder = ".",
    data: Annotated[str | None, typer.Option("--data", help="A public data set or folder:PATH instead.")] = None,
    protocol: Annotated[Splits, typer.Option(help="What is held out.")] = Splits.leave_one_out,
    strict: Annotated[bool, typer.Option("--strict", help="Never learn from the validation part.")] = False,
    model: Models = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure every model on held-out events: the leaderboard with intervals and protocol."""
    from foretaste.data.project import load_dataset
    from foretaste.data.sources import load_source
    from foretaste.data.splits import by_time, leave_last
    from foretaste.errors import DataError
    from foretaste.evaluation.train import select_pipeline, usable_models
    from foretaste.progress import progress
    from foretaste.project import Project
    from foretaste.registry import models
    from foretaste.types import Run

    if data is None:
        opened = Project.open(Path(project))
        events, _ = load_dataset(opened.config, opened.folder)
    else:
        events = load_source(data)
    split = leave_last(events) if protocol is Splits.leave_one_out else by_time(events)
    with progress(notes()) as report:
        run = Run(seed=seed, progress=report)
        names = usable_models(events, model or list(models()))
        found = select_pipeline(events, names, run, split=split, variant="strict" if strict else "refit")
    if found.leaderboard is None:
        raise DataError(found.remarks[0])
    if as_json:
        print_json(found.leaderboard.to_json())
    else:
        console().print(found.leaderboard.view())
