"""foretaste doctor: is everything here that will be needed?"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import typer

import foretaste
from foretaste.cli.output import Json, console, print_json

CORE = ("numpy", "scipy", "polars", "pydantic", "safetensors", "cryptography", "typer", "rich")
FOR_DEVELOPERS = ("dev", "docs")
"""Extras that no command needs."""


def doctor(as_json: Json = False) -> None:
    """Say what is installed, what is missing, and how to get it."""
    from foretaste.features.cache import cache_folder

    packages = {"core": CORE, **_extras()}
    found = {name: _version(name) for names in packages.values() for name in names}
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    report: dict[str, object] = {
        "foretaste": foretaste.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "free_disk_gb": round(free_gb, 1),
        "sqlite": sqlite3.sqlite_version,
        "cache": str(cache_folder()),
        "packages": found,
        "problems": _problems(found, free_gb),
    }
    if as_json:
        print_json(report)
    else:
        _show(report, packages, found)
    if report["problems"]:
        raise typer.Exit(1)


def _extras() -> dict[str, tuple[str, ...]]:
    """Extra to its packages, as foretaste's own metadata say; empty where it runs from a folder, not installed."""
    try:
        lines = requires("foretaste") or []
    except PackageNotFoundError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        package, extra = re.match(r"[\w.-]+", line), re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if package and extra and extra[1] not in FOR_DEVELOPERS and package[0] != "foretaste":
            found[extra[1]] = (*found.get(extra[1], ()), package[0])
    return found


def _problems(found: dict[str, str | None], free_gb: float) -> list[str]:
    problems = [f"{name} is missing; install foretaste again." for name in CORE if found[name] is None]
    if free_gb < 1:
        problems.append(f"Only {free_gb:.1f} GB are free on this disk; bundles and the event log need room.")
    return problems


def _show(report: dict[str, object], packages: dict[str, tuple[str, ...]], found: dict[str, str | None]) -> None:
    from rich.table import Table

    out = console()
    out.print(
        f"foretaste {report['foretaste']} · Python {report['python']} · SQLite {report['sqlite']} · "
        f"{report['cores']} cores · {report['free_disk_gb']} GB free · cache {report['cache']}",
        highlight=False,
    )
    table = Table(box=None, show_header=False)
    for label, names in packages.items():
        missing = [name for name in names if found[name] is None]
        state = "[green]ready[/green]" if not missing else f"[yellow]pip install 'foretaste\\[{label}]'[/yellow]"
        table.add_row(label, state, ", ".join(f"{name} {found[name] or '–'}" for name in names))
    out.print(table)
    problems = report["problems"]
    assert isinstance(problems, list)
    for problem in problems:
        out.print(f"[red]![/red] {problem}")
    if not problems:
        out.print("All is well.")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
