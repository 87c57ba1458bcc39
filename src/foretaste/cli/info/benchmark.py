"""foretaste benchmark: a table of the literature, run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretaste.cli.output import Html, Json, console, notes, print_json, writable
from foretaste.cli.project.evaluate import Leakage, Seeds, Ties
from foretaste.cli.project.train import Budget, Device, Models, Seed

if TYPE_CHECKING:
    from foretaste.published.run_table import TableResult


def benchmark(
    name: Annotated[str | None, typer.Argument(help="Its name; without one, all are listed.")] = None,
    root: Annotated[Path, typer.Option(help="Folder with the data sets.")] = Path("../shared/data"),
    model: Models = None,
    budget: Budget = None,
    seed: Seed = 0,
    device: Device = "cpu",
    seeds: Seeds = 1,
    ties: Ties = 0,
    leakage: Leakage = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Of next items: only learned without validation. Half the time.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(callback=writable, help="Also write the result there, as JSON.")
    ] = None,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Run a published table again: same data, split and measures, settings chosen on validation."""
    from rich.table import Table

    from foretaste.errors import ConfigError
    from foretaste.evaluation.leaderboard import Leaderboard
    from foretaste.evaluation.report.page import report_page
    from foretaste.evaluation.robustness.stability import StabilityOptions
    from foretaste.files import write_atomically
    from foretaste.progress import progress
    from foretaste.published import ratings
    from foretaste.published.next_item import LeaderboardSet
    from foretaste.published.run_table import run_table, summaries
    from foretaste.selection.tuning import seconds_of
    from foretaste.types import Run

    if name is None:
        _list(summaries(), as_json)
        return
    if html is not None and name in ratings.SUMMARIES:
        raise ConfigError(f"{name} measures ratings; the page is made for lists. Leave --html out.")

    def keep(ran: TableResult) -> None:
        if output is not None:
            write_atomically(output, json.dumps(ran.to_json(), indent=2) + "\n")

    with progress(notes()) as report:
        seconds = None if budget is None else seconds_of(budget)
        stability = StabilityOptions(seeds=seeds, tie_orders=ties, leakage=leakage)
        run = Run(seed=seed, device=device, progress=report)
        ran = run_table(
            name, root, run, models=model or (), budget=seconds, stability=stability, strict=strict, each=keep
        )
    keep(ran)
    board = ran.board.boards[0] if isinstance(ran.board, LeaderboardSet) else ran.board  # strict, seen items excluded
    if html is not None and isinstance(board, Leaderboard):
        write_atomically(html, report_page(board, remarks=board.remarks))
    if as_json:
        print_json(ran.to_json())
        return
    console().print(ran.board.view())
    if ran.references:
        table = Table("printed elsewhere", *ran.metrics, box=None, header_style="bold")
        for who, figures in ran.references.items():
            table.add_row(who, *(f"{figure:.4f}" for figure in figures))
        console().print(table)


def _list(summaries: dict[str, str], as_json: bool) -> None:
    from rich.table import Table

    if as_json:
        print_json({"benchmarks": summaries})
        return
    table = Table("name", "what it measures", box=None, header_style="bold")
    for name, summary in summaries.items():
        table.add_row(name, summary)
    console().print(table)
