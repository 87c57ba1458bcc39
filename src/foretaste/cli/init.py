"""foretaste init: guess what the columns of a file mean, and write it down for a person to correct."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, print_json

Items = Annotated[Path | None, typer.Option("--items", help="A file with one row per item: titles, texts, categories.")]
Users = Annotated[Path | None, typer.Option("--users", help="A file with one row per user.")]


def init(
    events: Annotated[Path, typer.Argument(help="A file of events: who did something to which item.")],
    items: Items = None,
    users: Users = None,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Guess the columns of a file, show the guess, and write foretaste.toml."""
    from foretaste.data.project import guess_project, guess_table, write_project

    config, guesses = guess_project(events, items, users)
    path = write_project(Path(project), config)
    if as_json:
        guessed = [guess.model_dump(mode="json") for guess in guesses]
        print_json({"file": str(path), "config": config.model_dump(mode="json"), "guesses": guessed})
        return
    console().print(guess_table(guesses))
    console().print(f"\nWritten to {path}. Correct it there, then: foretaste check", highlight=False)
