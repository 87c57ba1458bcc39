"""foretaste backup: a checked copy of the log while it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json

Target = Annotated[Path, typer.Argument(help="A new folder for the copy.")]
NoKey = Annotated[bool, typer.Option("--without-key", help="Leave the key out; keep it elsewhere, it is needed again.")]


def backup(target: Target, without_key: NoKey = False, project: Folder = ".", as_json: Json = False) -> None:
    """Copy the log as of one moment, with a manifest and checksums; the service goes on meanwhile."""
    import os

    from foretaste.errors import StoreError
    from foretaste.events.backup import backup
    from foretaste.events.opening import POSTGRES, VARIABLE
    from foretaste.progress import progress

    if os.environ.get(VARIABLE, "").startswith(POSTGRES):
        raise StoreError("The log is in PostgreSQL; back it up with pg_dump, and keep foretaste.key with it.")
    with progress(notes()) as report:
        manifest = backup(Path(project), target, with_key=not without_key, progress=report)
    if as_json:
        print_json({"folder": str(target), **manifest.model_dump()})
        return
    console().print(
        f"{manifest.events:,} events, up to position {manifest.position:,}, are in {target}.", highlight=False
    )
    if without_key:
        words = "The key is not in it; without foretaste.key nobody in the copy has a name."
    else:
        words = "The key is in it too: whoever has this folder can read who did what."
    console().print(words, highlight=False)
