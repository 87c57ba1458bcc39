"""foretaste evaluate: the leaderboard, and nothing is put to use."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from foretaste.cli.output import Folder, Html, Json, console, notes, print_json, warnings_said, writable
from foretaste.cli.project.train import Budget, Device, Models, Seed

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.data.splits import Holdout, Split

Data = Annotated[str | None, typer.Option("--data", help="A public data set, folder:PATH or a file of events instead.")]


class Splits(StrEnum):
    leave_one_out = "leave-one-out"
    time = "time"
    fixed = "fixed"


Held = Annotated[Splits, typer.Option("--protocol", help="What is held out.")]
Strict = Annotated[bool, typer.Option("--strict", help="Never learn from the validation part.")]
Repeats = Annotated[bool, typer.Option("--repeats", help="Taking something again counts: music and groceries.")]
Seeds = Annotated[int, typer.Option(min=1, help="Learn again with so many seeds; 3 says how much is luck.")]
Ties = Annotated[int, typer.Option(min=0, help="Shuffle equal times so often; 3 says how much the file's order is.")]
Leakage = Annotated[bool, typer.Option("--leakage", help="Measure on the other split too.")]


def evaluate(
    project: Folder = ".",
    data: Data = None,
    protocol: Held = Splits.leave_one_out,
    strict: Strict = False,
    repeats: Repeats = False,
    seeds: Seeds = 1,
    ties: Ties = 0,
    leakage: Leakage = False,
    segments: Annotated[bool, typer.Option("--segments", help="Also show results by group of people.")] = False,
    rounds: Annotated[int, typer.Option(min=0, help="Simulate so many rounds of people following the best list.")] = 0,
    budget: Budget = None,
    html: Html = None,
    save: Annotated[
        Path | None, typer.Option("--save", callback=writable, help="Keep each person's figures for `compare`.")
    ] = None,
    model: Models = None,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Measure every model on held-out events: the leaderboard with intervals and protocol."""
    from foretaste.errors import DataError
    from foretaste.evaluation.feedback_loop import simulate_feedback_loop
    from foretaste.evaluation.report.page import report_page
    from foretaste.evaluation.report.table import segments_view
    from foretaste.evaluation.robustness.stability import StabilityOptions, with_stability
    from foretaste.evaluation.saved_runs import save_run
    from foretaste.files import write_atomically
    from foretaste.progress import progress
    from foretaste.selection.choose_pipeline import select_pipeline
    from foretaste.selection.model_fit import checked_models, default_models
    from foretaste.selection.tuning import seconds_of
    from foretaste.serving.config import ServiceConfig
    from foretaste.types import Run

    seconds = None if budget is None else seconds_of(budget)
    asked = StabilityOptions(seeds=seeds, tie_orders=ties, leakage=leakage)
    split, holdout = held_out(project, data, protocol, repeats)
    asked.check(holdout)
    variant: Literal["refit", "strict"] = "strict" if strict else "refit"
    with progress(notes()) as report:
        run = Run(seed=seed, device=device, progress=report)
        names = checked_models(split.data, model) if model else default_models(split.data)
        stages = ServiceConfig.of_project(Path(project)).stage_configs()
        found = select_pipeline(split.data, names, run, split=split, variant=variant, budget=seconds, stages=stages)
        if found.leaderboard is None:
            raise DataError(found.remarks[0])
        board = with_stability(found.leaderboard, split, holdout, run, asked, variant)
        best = board.sorted()[0]
        bubble = simulate_feedback_loop(best.model, best.settings, split.data, run, rounds=rounds) if rounds else None
    document = board.to_json(per_user=save is not None)
    if bubble is not None:
        document["bubble"] = bubble.to_json()
    if save is not None:
        save_run(save, document)
    if html is not None:
        write_atomically(html, report_page(board, bubble=bubble, remarks=found.remarks))
    if as_json:
        print_json({name: value for name, value in document.items() if name != "segments"} if save else document)
        return
    console().print(board.view())
    if segments:
        console().print(segments_view(board))
    if bubble is not None:
        console().print(bubble.view())
    for path in (html, save):
        if path is not None:
            console().print(f"Written: {path}", style="dim", highlight=False)


def dataset(project: str, data: str | None) -> Dataset:
    """The events of a project, or of a public data set."""
    from foretaste.data.prepare.prepare import prepare
    from foretaste.data.project.guess import load_dataset
    from foretaste.data.sources import load_source, ready
    from foretaste.progress import progress
    from foretaste.project import Project

    if data is not None:
        ready(data)  # may ask on the terminal, so before the bar
        with warnings_said(), progress(notes()) as report:
            return load_source(data, progress=report)
    opened = Project.open(Path(project))
    return prepare(load_dataset(opened.config, opened.folder)[0], opened.config.prepare)[0]


def held_out(project: str, data: str | None, protocol: Splits, repeats: bool) -> tuple[Split, Holdout | None]:
    """The split and how it was made; None where the data fixes it."""
    from foretaste.data.sources.fixed_splits import load_fixed
    from foretaste.data.splits import Holdout
    from foretaste.errors import DataError

    if protocol is not Splits.fixed:
        holdout = Holdout(kind=protocol.value, repeats=repeats)
        return holdout(dataset(project, data)), holdout
    if data is None or not data.startswith("folder:") or repeats:
        raise DataError(
            "--protocol fixed reads the column `split` of interactions.parquet in a folder: give --data folder:PATH, "
            "without --repeats."
        )
    return load_fixed(Path(data.removeprefix("folder:")).expanduser() / "interactions.parquet"), None
