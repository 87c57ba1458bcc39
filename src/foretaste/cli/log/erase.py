"""foretaste erase: a person, or what is too old, out of the log for good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, print_json

User = Annotated[str | None, typer.Option("--user", help="Remove every trace of this person.")]
Days = Annotated[int | None, typer.Option("--older-than", min=1, help="Remove events older than so many days.")]


def erase(user: User = None, older_than: Days = None, project: Folder = ".", as_json: Json = False) -> None:
    """Remove a person, or events by age, for good; say where they were found."""
    from foretaste.errors import DataError
    from foretaste.events.erasure import erase_by_age, erase_person

    if (user is None) == (older_than is None):
        raise DataError("Say whom or what to erase: --user ID, or --older-than DAYS.")
    folder = Path(project)
    receipt = erase_by_age(folder, older_than) if older_than is not None else erase_person(folder, user or "")
    if as_json:
        print_json(receipt.to_json())
        return
    out = console()
    for place, entries in receipt.found.items():
        out.print(f"{entries:>8,}  {place}", highlight=False)
    for remark in receipt.remarks:
        out.print(f"\n{remark}", highlight=False)
    out.print(f"\nReceipt {receipt.id}, {receipt.at.isoformat(timespec='seconds')}", style="dim", highlight=False)
