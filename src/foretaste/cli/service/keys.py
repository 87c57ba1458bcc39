"""foretaste keys: who may use the service, and for what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foretaste.cli.output import Folder, Json, console, notes, print_json

if TYPE_CHECKING:
    from foretaste.serving.http.keys import ApiKey, KeyFile, NewKey

keys = typer.Typer(
    name="keys", help="Who may use the service: make, list, change and take back API keys.", no_args_is_help=True
)
OF_A_PROJECT = ("foretaste.toml", "events.db", "bundles", "keys.json")
"""Any of these is in every project, however it was begun."""
Which = Annotated[str, typer.Argument(help="Its id, or its name where only one key has it.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is: shop-backend, anna.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="read, write or admin (may everything); may be repeated. Default: read.")
    ] = None,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Make a key. It is shown once and kept nowhere; the project keeps its hash."""
    made = _file(project).create(name, scope or ["read"])
    _hand_over(made, as_json)


@keys.command("list")
def list_keys(project: Folder = ".", as_json: Json = False) -> None:
    """Every key: its id, name, scopes and age, never the key itself."""
    found = _file(project).all()
    if as_json:
        print_json({"keys": [_described(key) for key in found]})
        return
    if not found:
        console().print("No keys yet. Make one: foretaste keys create NAME --scope read")
        return
    from rich.table import Table

    table = Table("id", "name", "scopes", "created", box=None)
    for key in found:
        table.add_row(key.id, key.name, " ".join(key.scopes), key.created)
    console().print(table)


@keys.command()
def rotate(
    which: Which,
    keep_old: Annotated[float, typer.Option(min=0, max=168, help="Hours for which the old key is good still.")] = 0,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """A new key in place of an old one, with the same id, name and scopes."""
    _hand_over(_file(project).rotate(which, keep_old_seconds=keep_old * 3600), as_json)


@keys.command()
def revoke(which: Which, project: Folder = ".", as_json: Json = False) -> None:
    """Take a key back; a running service refuses it within a second."""
    gone = _file(project).revoke(which)
    if as_json:
        print_json({"revoked": gone.id})
    else:
        console().print(f"The key {gone.id} ({gone.name}) is revoked.", highlight=False)


def _file(project: str) -> KeyFile:
    from foretaste.errors import ConfigError
    from foretaste.serving.http.keys import KeyFile

    folder = Path(project)
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder}; name a project with --project.")
    if not any((folder / name).exists() for name in OF_A_PROJECT):
        raise ConfigError(f"There is no project in {folder.resolve()}; name one with -p.")
    return KeyFile.of_project(folder)


def _hand_over(made: NewKey, as_json: bool) -> None:
    if as_json:
        print_json({**_described(made.key), "key": made.secret})
        return
    notes().print(
        f"The key of {made.key.name} ({made.key.id}, {' '.join(made.key.scopes)}). Keep it now; it cannot be shown "
        "again. Send it as the header 'Authorization: Bearer …'.",
        highlight=False,
        markup=False,
    )
    print(made.secret)  # alone on standard output, for KEY=$(foretaste keys create …)


def _described(key: ApiKey) -> dict[str, Any]:
    return {"id": key.id, "name": key.name, "scopes": list(key.scopes), "created": key.created}
