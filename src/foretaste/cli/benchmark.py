"""foretaste benchmark: a table of the literature, run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Json, console, notes, print_json
from foretaste.cli.train import Models, Seed


def benchmark(
    name: Annotated[str, typer.Argument(help="gowalla, amazon-book-kgat or lastfm-hetrec.")],
    root: Annotated[Path, typer.Option(help="Folder with the data sets.")] = Path("../shared/data"),
    model: Models = None,
    seed: Seed = 0,
    output: Annotated[Path | None, typer.Option(help="Also write the result there, as JSON.")] = None,
    as_json: Json = False,
) -> None:
    """Run a published table again: same data, split and measures, settings chosen on validation."""
    from rich.table import Table

    from foretaste.evaluation.published import benchmark as published
    from foretaste.evaluation.published import run_benchmark
    from foretaste.progress import progress
    from foretaste.types import Run

    asked = published(name)
    with progress(notes()) as report:
        board = run_benchmark(name, root, Run(seed=seed, progress=report), models=model or ())
    document = {**board.to_json(), "references": asked.references, "reference_metrics": asked.metrics}
    if output is not None:
        output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json(document)
        return
    console().print(board.view())
    table = Table("printed elsewhere", *asked.metrics, box=None, header_style="bold")
    for who, figures in asked.references.items():
        table.add_row(who, *(f"{figure:.4f}" for figure in figures))
    console().print(table)
