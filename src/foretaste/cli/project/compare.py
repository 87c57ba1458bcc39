"""foretaste compare: is the one really better than the other, for whom, and by how much?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json
from foretaste.cli.project.evaluate import Data, Held, Repeats, Splits, held_out
from foretaste.cli.project.train import Device, Seed


def compare(
    first: Annotated[str, typer.Argument(help="A run that `evaluate --save` wrote (A.json), or a model's name.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
    model: Annotated[str | None, typer.Option(help="Row of the first run; its best otherwise.")] = None,
    against: Annotated[str | None, typer.Option(help="Row of the second run; its best otherwise.")] = None,
    project: Folder = ".",
    data: Data = None,
    protocol: Held = Splits.leave_one_out,
    repeats: Repeats = False,
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Compare two runs or two models person by person: difference, interval, effect size, and for whom."""
    from foretaste.errors import DataError
    from foretaste.evaluation.compare import compare
    from foretaste.evaluation.saved_runs import read_run, row_of_model, rows_by_model
    from foretaste.progress import progress
    from foretaste.registry import model_spec
    from foretaste.selection.choose_pipeline import measure_models
    from foretaste.types import Run

    are_runs = [name.endswith(".json") for name in (first, second)]
    if all(are_runs):
        a = row_of_model(read_run(Path(first)), model, first)
        b = row_of_model(read_run(Path(second)), against, second)
    elif any(are_runs):
        raise DataError("Give two runs (A.json B.json) or two names of models, not one of each.")
    else:
        for name in (first, second):
            model_spec(name)
        split, _ = held_out(project, data, protocol, repeats)
        with progress(notes()) as report:
            run = Run(seed=seed, device=device, progress=report)
            rows = rows_by_model(measure_models(dict.fromkeys((first, second)), split, run))
        a, b = rows[first], rows[second]
    found = compare(a, b)
    if as_json:
        print_json(found.to_json())
    else:
        console().print(found.view())
