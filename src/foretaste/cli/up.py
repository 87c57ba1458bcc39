"""foretaste up: from a file to a running service in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.init import Items, Users
from foretaste.cli.output import console, notes
from foretaste.cli.serve import Host, Port, run_server
from foretaste.cli.train import show


def up(
    events: Annotated[Path, typer.Argument(help="A file of events: who did something to which item.")],
    items: Items = None,
    users: Users = None,
    project: Annotated[
        Path | None, typer.Option("--project", "-p", help="Folder to work in; default: NAME-foretaste.")
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    serve: Annotated[bool, typer.Option(help="Serve when the training is done.")] = True,
) -> None:
    """Guess the columns, check, train and serve a file, in one command."""
    from foretaste.data.checks.check import report_view
    from foretaste.data.checks.report_data import with_data
    from foretaste.data.project.guess import guess_project, guess_table, load_dataset, write_project
    from foretaste.progress import progress
    from foretaste.project import train_on
    from foretaste.types import Run

    folder = project or Path(f"{events.name.split('.')[0]}-foretaste")
    config, guesses = guess_project(events, items, users)
    folder.mkdir(parents=True, exist_ok=True)
    written = write_project(folder, config)
    out = console()
    out.print(guess_table(guesses))
    out.print(f"Written to {written}; correct it there and run `foretaste train -p {folder}` again.\n", highlight=False)
    data, report = load_dataset(config, folder)
    out.print(report_view(with_data(report, data, config.prepare)[0]))
    with progress(notes()) as bars:
        trained = train_on(folder, data, Run(progress=bars))
    show(trained)
    if serve:
        run_server(folder, host, port)
