"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def put_in_place(beside: Path, target: Path) -> None:
    """Give a finished file its name; FileExistsError if there is one of that name, which stays as it is."""
    try:
        os.link(beside, target)
    except FileExistsError:
        raise
    except OSError:  # some network drives know no links; of two at once the later would win there
        if target.exists():
            raise FileExistsError(17, "File exists", str(target)) from None
        beside.rename(target)
    else:
        beside.unlink()
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """The names of its files survive a power cut too; where a folder cannot be synced, there is nothing to do."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
