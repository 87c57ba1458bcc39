"""foretaste similar: what goes with an item."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, print_json
from foretaste.cli.recommend import N


def similar(
    item: Annotated[str, typer.Option(help="The item's id, as in your files.")],
    n: N = 10,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Show what goes with an item."""
    from rich.table import Table
    from rich.text import Text

    from foretaste.serving.engine import Engine

    with Engine.of_project(Path(project)) as engine:
        answer = engine.similar(item, n)
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    console().print(Text(f"With {answer.item.title} goes:", style="bold"))
    table = Table("", "title", "id", box=None, header_style="bold")
    for rank, found in enumerate(answer.items, start=1):
        table.add_row(str(rank), Text(found.title), Text(found.id, style="dim"))
    console().print(table)
