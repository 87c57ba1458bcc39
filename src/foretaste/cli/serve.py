"""foretaste serve: the REST service and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, console

Host = Annotated[str, typer.Option(help="Address to listen on; only this machine by default.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]


def serve(project: Folder = ".", host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve recommendations over HTTP, with a page to look at them."""
    run_server(Path(project), host, port)


def run_server(folder: Path, host: str, port: int) -> None:
    """Blocks until Ctrl-C."""
    from foretaste.serving.engine import Engine
    from foretaste.serving.server import run

    with Engine.of_project(folder) as engine:
        console().print(
            f"\n[bold]http://{host}:{port}[/bold]  the page; /openapi.json the API; Ctrl-C stops.", highlight=False
        )
        run(engine, host=host, port=port)
