"""foretaste search: items by words, by meaning, and by a person's taste."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json
from foretaste.cli.service.recommend import N


def search(
    query: Annotated[str | None, typer.Argument(help="What to search for, in any words.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Look for what looks like this JPEG, PNG, WebP or GIF instead.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Whose taste orders what fits alike.")] = None,
    n: N = 10,
    personal: Annotated[float | None, typer.Option(min=0, help="Weight of that taste; 0 leaves it out.")] = None,
    words: Annotated[bool, typer.Option("--words", help="By words alone: no language model to load.")] = False,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Search the catalogue, by words or by a picture; slips of the finger are forgiven."""
    from rich.table import Table
    from rich.text import Text

    from foretaste.errors import DataError
    from foretaste.progress import progress
    from foretaste.search.hybrid import SearchConfig
    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.search.search_service import SearchService
    from foretaste.types import Run

    if (query is None) == (picture is None):
        raise DataError('Say what to look for: foretaste search "red shoes", or foretaste search --picture shoes.jpg.')
    if query is not None and not query.strip():
        raise DataError('There is nothing to look for; say it in words: foretaste search "red shoes".')
    with Engine.of_project(Path(project)) as engine:
        search_service = SearchService(engine, SearchConfig(meaning=0.0) if words else SearchConfig())
        with progress(notes()) as report:
            search_service.prepare(Run(progress=report), words=picture is None, pictures=picture is not None)
        if picture is not None:
            answer = search_service.search_by_picture(_content(picture), n)
        else:
            assert query is not None
            answer = search_service.find(query, n, user=user, personal=personal)
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    if answer.corrected:
        console().print(Text(f"Searched for: {answer.corrected}", style="yellow"))
    if not answer.items:
        console().print(Text(f"Nothing answers '{query or picture}'."))
        return
    table = Table("", "title", "found by", "id", box=None, header_style="bold")
    for rank, item in enumerate(answer.items, start=1):
        by = ", ".join(f"{name} {said:.2f}" for name, said in item.found_by.items() if said)
        table.add_row(str(rank), Text(item.title, style="bold"), Text(by, style="dim"), Text(item.id, style="dim"))
    console().print(table)


def _content(picture: Path) -> bytes:
    from foretaste.errors import DataError

    try:
        return picture.read_bytes()
    except OSError as error:
        raise DataError(f"The picture {picture} cannot be read ({error.strerror}).") from None
