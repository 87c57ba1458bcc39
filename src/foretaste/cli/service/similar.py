"""foretaste similar: what goes with an item."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, get_args

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json
from foretaste.cli.service.recommend import N


def similar(
    item: Annotated[str, typer.Option(help="The item's id, as in your files.")],
    n: N = 10,
    by: Annotated[
        str | None, typer.Option(help="text, picture, behaviour or blend; left out, as every model together says.")
    ] = None,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Show what goes with an item."""
    from rich.table import Table
    from rich.text import Text

    from foretaste.errors import DataError, did_you_mean
    from foretaste.progress import progress
    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.search.search_service import SearchService
    from foretaste.serving.search.similarity import By
    from foretaste.types import Run

    if by is not None and by not in get_args(By):
        raise DataError(f"Items are alike by {', '.join(get_args(By))}; not by '{by}'.{did_you_mean(by, get_args(By))}")
    with Engine.of_project(Path(project)) as engine:
        if by is None:
            answer = engine.similar(item, n)
        else:
            search_service = SearchService(engine)
            with progress(notes()) as report:
                run = Run(progress=report)
                search_service.prepare(run, words=by in ("text", "blend"), pictures=by == "picture")
                if by == "blend":
                    with suppress(DataError):  # it counts where there is any
                        search_service.prepare(run, words=False, pictures=True)
            answer = search_service.similar(item, n, by)
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    console().print(Text(f"With {answer.item.title} goes:", style="bold"))
    table = Table("", "title", "id", box=None, header_style="bold")
    for rank, found in enumerate(answer.items, start=1):
        table.add_row(str(rank), Text(found.title), Text(found.id, style="dim"))
    console().print(table)
