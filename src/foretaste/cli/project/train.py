"""foretaste train: choose on validation, measure on test, learn from everything, put it to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json

if TYPE_CHECKING:
    from foretaste.project import TrainingResult

Models = Annotated[list[str] | None, typer.Option("--model", help="Only these models; may be repeated.")]
Budget = Annotated[str | None, typer.Option(help="Time to search for settings in: 90s, 10m, 1h. None: the grids.")]
Seed = Annotated[int, typer.Option(help="Every random choice follows from it.")]


def known_device(name: str) -> str:
    """Of --device: a wrong one is said at once, and not when the first network learns, or never."""
    if name in {"cpu", "auto"}:
        return name
    import re
    from importlib.util import find_spec

    from foretaste.errors import ConfigError, MissingExtraError

    if not re.fullmatch(r"(cuda|mps|xpu)(:\d+)?", name):
        raise ConfigError(f"No device is called '{name}'; say cpu, cuda, cuda:1, mps or auto.")
    if not find_spec("torch"):
        raise MissingExtraError("torch", "torch", f"The device {name}")
    from foretaste.training.device import device_of

    device_of(name)
    return name


Device = Annotated[str, typer.Option(callback=known_device, help="Where networks learn: cpu, cuda, cuda:1, or auto.")]


def train(
    project: Folder = ".",
    model: Models = None,
    budget: Budget = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Choose settings on validation, measure on a test part, write a bundle with its card and use it."""
    from foretaste.progress import progress
    from foretaste.project import Project, train
    from foretaste.selection.tuning import seconds_of
    from foretaste.types import Run

    seconds = None if budget is None else seconds_of(budget)
    opened = Project.open(Path(project))
    with progress(notes()) as report:
        run = Run(seed=seed, device=device, progress=report, folder=opened.folder)
        trained = train(opened, run, names=model or (), budget=seconds)
    if as_json:
        print_json(described(trained))
    else:
        show(trained)
        place = "" if project == "." else f" -p {project}"
        console().print(f"\nNext: foretaste serve{place}", style="dim", highlight=False)


def described(trained: TrainingResult) -> dict[str, Any]:
    board = trained.selection.leaderboard
    return {
        "version": trained.version,
        "remarks": list(trained.selection.remarks),
        "config": trained.selection.config.model_dump(mode="json"),
        "leaderboard": board.to_json() if board else None,
    }


def show(trained: TrainingResult) -> None:
    out = console()
    if trained.selection.leaderboard:
        out.print(trained.selection.leaderboard.view())
    for remark in trained.selection.remarks:
        out.print(f"\n{remark}", highlight=False, markup=False)  # "foretaste[torch]" is no markup
    out.print(f"Bundle {trained.version} is in use.", highlight=False)
