"""foretaste import: events from a file into the log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json

File = Annotated[
    Path,
    typer.Argument(
        help="What `foretaste export` wrote, or any file of events, with the columns of foretaste.toml or such as can "
        "be guessed."
    ),
]


def import_(file: File, project: Folder = ".", as_json: Json = False) -> None:
    """Keep the events of a file; those that are in the log already are passed over, so it may be repeated."""
    from foretaste.data.project.event_import import imported_events
    from foretaste.errors import DataError
    from foretaste.events.opening import open_store
    from foretaste.events.transfer import import_export, is_export
    from foretaste.progress import progress

    folder = Path(project)
    if not file.exists():
        raise DataError(f"{file} is not there; name a file of events.")
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name a project with --project.")
    frame, remarks = (None, []) if is_export(file) else imported_events(file, folder)
    for remark in remarks:
        notes().print(remark, highlight=False, markup=False, soft_wrap=True)
    store = open_store(None, folder)
    try:
        with progress(notes()) as report:
            if frame is None:
                new, events = import_export(store, file, report)
            else:
                new, events = store.import_frame(frame), len(frame)
    finally:
        store.close()
    if as_json:
        print_json({"file": str(file), "events": events, "new": new})
    else:
        console().print(f"{new:,} of {events:,} events are new; they count from the next training on.", highlight=False)
