"""foretaste recommend: a list for one person, with reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretaste.cli.output import Folder, Json, console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from foretaste.api import Recommendations

N = Annotated[int, typer.Option("-n", min=1, max=500, help="How many.")]


def recommend(
    user: Annotated[str | None, typer.Option(help="The person's id, as in your files.")] = None,
    n: N = 10,
    likes: Annotated[
        list[str] | None, typer.Option(help="A label that somebody new likes, instead of --user; as often as you like.")
    ] = None,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Recommend items to one person, or to somebody new by what they like, and say why."""
    from foretaste.api import GuestIn
    from foretaste.errors import DataError
    from foretaste.serving.answering.engine import Engine

    if (user is None) == (not likes):
        raise DataError("Say who it is with --user ID, or what somebody new likes with --likes LABEL: one of the two.")
    with Engine.of_project(Path(project)) as engine:
        if user is None:
            answer = engine.for_guest(GuestIn(likes=likes or [], n=n, explain=True))
        else:
            answer = engine.for_user(user, n, explain=True)
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    if user is not None and not answer.events_used:
        console().print(f"Nobody called '{user}' has done anything yet: this is what is popular.", style="yellow")
    console().print(titles(answer))


def titles(answer: Recommendations) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "title", "why", "found by", box=None, header_style="bold")
    for rank, item in enumerate(answer.items, start=1):
        why = item.reasons[0].text if item.reasons else ""
        found_by = ", ".join(f"{name} #{said.rank}" for name, said in item.sources.items())
        table.add_row(str(rank), Text(item.title, style="bold"), Text(why), Text(found_by, style="dim"))
    return table
