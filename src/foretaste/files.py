"""Small files: written whole or not at all, and by one process at a time where several share them."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_atomically(path: Path, text: str, *, private: bool = False) -> None:
    """Replace a file; whoever looks, after a crash too, sees the old text or the new, never half of one.

    private : only its owner may read it
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe: nothing to replace
            path.write_text(text, encoding="utf-8")
            return
        handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600 if private else 0o666)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # a read-only file system refuses even to remove what is not there
            temporary.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written ({error.strerror}); check the folder and its disk.") from None


def check_writable(path: Path) -> None:
    """ConfigError where a file of this name could not be written: to be asked before the hour of work, not after."""
    folder = path.parent
    if not folder.is_dir():
        raise ConfigError(f"{path} cannot be written: there is no folder {folder}. Make it first.")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file in it.")
    # A file is replaced by one written beside it, so its folder counts too; a pipe is written to where it is.
    targets = [folder] if not path.exists() else [folder, path] if path.is_file() else [path]
    for target in targets:
        if not os.access(target, os.W_OK):
            raise ConfigError(f"{path} cannot be written: {target} may not be written to. Name another file.")


def create_folder(folder: Path) -> None:
    """The folder and those above it, where they are not there yet; ConfigError where that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The folder {folder} cannot be made ({error.strerror}); name another.") from None


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """While within, no other process changes the file."""
    import fcntl

    try:
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}); check the folder.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
