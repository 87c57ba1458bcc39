"""Atomic files: complete or absent, also after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def put_in_place(beside: Path, target: Path) -> None:
    """Move a finished file to its name; FileExistsError if that exists, and then it is unchanged."""
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
    """Sync a folder, so that the names of its files survive a power cut; ignored where folders cannot be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
