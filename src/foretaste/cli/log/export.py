"""foretaste export: the log, or all that is held on one person, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json

File = Annotated[Path | None, typer.Argument(help="A new file, .parquet or .jsonl; with --user .json, or none.")]
User = Annotated[str | None, typer.Option("--user", help="All that is held on this person, as one JSON document.")]


def export(file: File = None, user: User = None, project: Folder = ".", as_json: Json = False) -> None:
    """Write every event to a file, people under their own names; or all that is held on one person."""
    from foretaste.errors import DataError, UnknownNameError
    from foretaste.events.opening import open_store
    from foretaste.events.transfer import export_log
    from foretaste.progress import progress

    if file is None and user is None:
        raise DataError("Name a file to write to: foretaste export events.parquet.")
    folder = _project(project)
    store = open_store(None, folder)
    try:
        if user is None:
            assert file is not None
            with progress(notes()) as report:
                events = export_log(store, file, report)
            if as_json:
                print_json({"file": str(file), "events": events})
            else:
                console().print(
                    f"{events:,} events are in {file}. It says who did what; keep it safe.", highlight=False
                )
            return
        if (held := store.export_person(user)) is None:
            raise UnknownNameError(f"Nothing is held on a person called '{user}'.")
    finally:
        store.close()
    if file is None:
        print_json(held)
    else:
        _write(file, held)
        if as_json:
            print_json({"file": str(file), "events": len(held["events"])})
        else:
            console().print(f"All that is held on them is in {file}.", highlight=False)


def _project(project: str) -> Path:
    """The folder, if it has a log: to export must not make one."""
    from foretaste.errors import StoreError
    from foretaste.events.opening import has_log

    folder = Path(project)
    if not has_log(folder):
        raise StoreError(f"{folder / 'events.db'} is not there; name a project folder with --project.")
    return folder


def _write(file: Path, document: object) -> None:
    import json
    import os

    from foretaste.errors import DataError

    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror}; name another file.") from error
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(document, out, indent=2, ensure_ascii=False)
        out.write("\n")
