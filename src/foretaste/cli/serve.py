"""foretaste serve: the REST service and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, console

Host = Annotated[str, typer.Option(help="Address to listen on; only this machine by default.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]


def serve(
    project: Folder = ".",
    host: Host = "127.0.0.1",
    port: Port = 8000,
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Listen beyond this machine although there are no keys.")
    ] = False,
) -> None:
    """Serve recommendations over HTTP, with a page to look at them."""
    run_server(Path(project), host, port, open_to_all=open_to_all)


def run_server(folder: Path, host: str, port: int, *, open_to_all: bool = False) -> None:
    """Blocks until Ctrl-C."""
    from foretaste.serving.engine import Engine
    from foretaste.serving.server import run
    from foretaste.serving.settings import ServerConfig

    with Engine.of_project(folder) as engine:
        words = f"\n[bold]http://{host}:{port}[/bold]  the page; /docs the API; Ctrl-C stops."
        config = ServerConfig(host=host, port=port, open_to_all=open_to_all)
        run(engine, config=config, announce=lambda: console().print(words, highlight=False))
