"""foretaste restore: a backup into a folder that has no log yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json

Source = Annotated[Path, typer.Argument(help="A folder that `foretaste backup` made.")]
Key = Annotated[Path | None, typer.Option("--key", help="The key file, where the backup was made without it.")]


def restore(source: Source, key: Key = None, project: Folder = ".", as_json: Json = False) -> None:
    """Check a backup from end to end and put it in place; nothing is overwritten."""
    from foretaste.events.backup import restore
    from foretaste.progress import progress

    with progress(notes()) as report:
        manifest = restore(source, Path(project), key=key, progress=report)
    if as_json:
        print_json({"folder": project, **manifest.model_dump()})
        return
    words = f"{manifest.events:,} events are in place, as of {manifest.made}. Whom you erased since, erase again."
    console().print(words, highlight=False)
