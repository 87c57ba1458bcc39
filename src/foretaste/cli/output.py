"""How commands speak: people read the terminal, programs read --json."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
Folder = Annotated[str, typer.Option("--project", "-p", help="The project folder; it holds foretaste.toml.")]


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


def print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))
