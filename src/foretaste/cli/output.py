"""How commands speak: people read the terminal, programs read --json."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]


def project_folder(given: str | None) -> str | None:
    """Of -p: the folder, where its foretaste.toml was named instead; ConfigError for any other file."""
    if given is None:
        return None
    path = Path(given)
    if path.name == "foretaste.toml" and path.is_file():
        return str(path.parent)
    for place in (path, *path.parents):
        if place.is_file():
            from foretaste.errors import ConfigError

            raise ConfigError(f"-p {given}: {place} is a file; name the project's folder, which holds foretaste.toml.")
    return given


Folder = Annotated[
    str,
    typer.Option("--project", "-p", callback=project_folder, help="The project folder; it holds foretaste.toml."),
]


def writable(path: Path | None) -> Path | None:
    """Of an option that names a file to write: whether it can be written is said before the work, not after."""
    if path is not None:
        from foretaste.files import check_writable

        check_writable(path)
    return path


Html = Annotated[Path | None, typer.Option("--html", callback=writable, help="Also write one page with plots there.")]


@cache
def console() -> Console:
    """Results, on standard output; without a terminal as wide as a page rather than 80 columns."""
    from rich.console import Console

    found = Console()
    return found if found.is_terminal or "COLUMNS" in os.environ else Console(width=118)


@cache
def notes() -> Console:
    """Progress and remarks, on standard error, so that they never mix with --json."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def warnings_said() -> Iterator[None]:
    """What is a warning in Python is a sentence here, without the line of the program it comes from."""
    import warnings

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in said:
        notes().print(str(warning.message), highlight=False, markup=False, soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))
