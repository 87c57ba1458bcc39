"""Atomic writes of small files, checks of write access, and locks between processes."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_atomically(path: Path, text: str, *, private: bool = False) -> None:
    """Replace a file atomically: readers see the old text or the new one, also after a crash.

    private : readable by its owner alone (mode 0600)

    ConfigError where the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():  # /dev/stdout or a pipe cannot be replaced
            path.write_text(text, encoding="utf-8")
            return
        handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600 if private else 0o666)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # a read-only file system refuses even to remove a missing file
            temporary.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written ({error.strerror}); check the folder and its disk.") from None


def check_writable(path: Path) -> None:
    """ConfigError where a file at `path` could not be written; call it before the long work and not after."""
    folder = path.parent
    if not folder.is_dir():
        raise ConfigError(f"{path} cannot be written: there is no folder {folder}. Make it first.")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file in it.")
    # A file is replaced by a new one in its folder, so the folder must be writable too; a pipe is written directly.
    targets = [folder] if not path.exists() else [folder, path] if path.is_file() else [path]
    for target in targets:
        if not os.access(target, os.W_OK):
            raise ConfigError(f"{path} cannot be written: {target} may not be written to. Name another file.")


def create_folder(folder: Path) -> None:
    """Create the folder and its parents unless they exist; ConfigError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The folder {folder} cannot be made ({error.strerror}); name another.") from None


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` between processes (flock on a lock file beside it); waits for it."""
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
