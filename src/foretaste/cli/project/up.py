"""foretaste up: from a file to a running service in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretaste.cli.output import console, notes, project_folder
from foretaste.cli.project.init import Items, Users
from foretaste.cli.project.train import show
from foretaste.cli.service.serve import Host, Port, check_installed, run_server

if TYPE_CHECKING:
    from foretaste.data.config import ProjectConfig


def up(
    events: Annotated[Path, typer.Argument(help="A file of events: who did something to which item.")],
    items: Items = None,
    users: Users = None,
    project: Annotated[
        str | None,
        typer.Option("--project", "-p", callback=project_folder, help="Folder to work in; default: NAME-foretaste."),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    serve: Annotated[bool, typer.Option(help="Serve when the training is done.")] = True,
) -> None:
    """Guess the columns, check, train and serve a file, in one command."""
    from foretaste.data.checks.report_view import report_view
    from foretaste.data.project.guess import FILE_NAME, guess_project, guess_table, load_dataset, write_project
    from foretaste.progress import progress
    from foretaste.project import train_on
    from foretaste.selection.check_report import with_data
    from foretaste.types import Run

    if serve:
        check_installed()  # and not after minutes of training
    folder = Path(project or f"{events.name.split('.')[0]}-foretaste")
    out = console()
    if (folder / FILE_NAME).exists():  # perhaps corrected by hand
        config = known_project(folder, {"events": str(events), "items": items, "users": users})
        out.print(f"The columns are as {folder / FILE_NAME} says; none is guessed again.\n", highlight=False)
    else:
        config, guesses = guess_project(events, items, users)
        written = write_project(folder, config)
        out.print(guess_table(guesses))
        then = f"correct it there and run `foretaste train -p {folder}` again"
        out.print(f"Written to {written}; {then}.\n", highlight=False)
    data, report = load_dataset(config, folder)
    out.print(report_view(with_data(report, data, config.prepare)[0]))
    with progress(notes()) as bars:
        trained = train_on(folder, data, Run(progress=bars), preparation=config.prepare)
    show(trained)
    if serve:
        run_server(folder, host, port)


def known_project(folder: Path, given: dict[str, str | None]) -> ProjectConfig:
    """The settings that are there, if they are of the files that are given."""
    from foretaste.data.project.guess import FILE_NAME, load_project, spelled
    from foretaste.data.project.side_tables import place
    from foretaste.errors import ConfigError

    config = load_project(folder)
    for what, file in given.items():
        read = getattr(config.data, what)
        if file is not None and (read is None or spelled(place(folder, read)) != spelled(file)):
            raise ConfigError(
                f"{folder / FILE_NAME} is there already and names {read or 'no file'} for the {what}, not {file}; "
                "correct it there, or name another folder with -p."
            )
    return config
