"""foretaste init: guess what the columns of a file mean, and write it down for a person to correct."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json

Events = Annotated[
    str,
    typer.Argument(
        help="Events, who did something to which item: a file, a folder of files, shop.db#TABLE, or the address "
        "postgresql://USER@HOST/DATABASE#TABLE."
    ),
]
Items = Annotated[str | None, typer.Option("--items", help="One row per item: titles, texts, categories.")]
Users = Annotated[str | None, typer.Option("--users", help="One row per user.")]
Images = Annotated[Path | None, typer.Option("--images", help="A folder of pictures named after the items: 42.jpg.")]
Relations = Annotated[
    list[str] | None,
    typer.Option("--relations", help="Who or what belongs together: friends, similar items, facts; may be repeated."),
]
Searches = Annotated[str | None, typer.Option("--searches", help="Who searched for what, when.")]
TableName = Annotated[str | None, typer.Option("--table", help="Of a database: the table of events.")]
Query = Annotated[str | None, typer.Option("--query", help="Of a database: the SELECT that gives the events.")]


def init(
    events: Events,
    items: Items = None,
    users: Users = None,
    images: Images = None,
    relations: Relations = None,
    searches: Searches = None,
    table: TableName = None,
    query: Query = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write anew what is there already; it is kept as foretaste.toml.bak.")
    ] = False,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Guess the columns of a file, show the guess, and write foretaste.toml."""
    from foretaste.data.project.guess import FILE_NAME, guess_project, guess_table, more_table, write_project
    from foretaste.data.readers.postgres import without_password
    from foretaste.errors import ConfigError

    there = Path(project) / FILE_NAME
    if there.exists() and not force:
        raise ConfigError(
            f"{there} is there already; correct it by hand, or write it anew with --force, which keeps it as "
            f"{FILE_NAME}.bak."
        )
    config, guesses = guess_project(
        events,
        items,
        users,
        table=table,
        query=query,
        images=images,
        relations=relations or (),
        searches=searches,
    )
    path = write_project(Path(project), config)
    if any(source != without_password(source) for source in (events, items or "", users or "")):
        notes().print("The password is not written down; set PGPASSWORD, or write ~/.pgpass.")
    if as_json:
        guessed = [guess.model_dump(mode="json") for guess in guesses]
        print_json({"file": str(path), "config": config.model_dump(mode="json"), "guesses": guessed})
        return
    console().print(guess_table(guesses))
    if (more := more_table(config)) is not None:
        console().print(more)
    where = "" if project == "." else f" -p {project}"
    console().print(f"\nWritten to {path}. Correct it there, then: foretaste check{where}", highlight=False)
