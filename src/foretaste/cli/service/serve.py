"""foretaste serve: the REST service and its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, console

Host = Annotated[str, typer.Option(help="Address to listen on; only this machine by default.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]

SERVE = ("fastapi", "uvicorn", "prometheus_client")
"""What the extra `serve` installs, by the names they are imported by."""


def serve(
    project: Folder = ".",
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer; they share log and bundle.")] = 1,
    bundle: Annotated[
        str | None, typer.Option(help="Put this bundle to use first: its version, or its folder in bundles/.")
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A name this service is called by, behind a proxy; may be repeated.")
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Ask nobody for a key, even beyond this machine.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No line per request.")] = False,
    otel: Annotated[
        bool, typer.Option("--otel", help="OpenTelemetry: a span per request, sent where OTEL_* variables say.")
    ] = False,
) -> None:
    """Serve recommendations over HTTP, with a page to look at them."""
    check_installed(otel=otel)
    if bundle is not None:
        from foretaste.errors import UnknownNameError, did_you_mean
        from foretaste.pipeline.bundle import activate, bundle_versions

        bundles, version = Path(project) / "bundles", Path(bundle).name
        if version not in (there := bundle_versions(bundles)):
            raise UnknownNameError(f"No bundle is called '{version}' in {bundles}.{did_you_mean(version, there)}")
        activate(bundles, version)
    run_server(
        Path(project),
        host,
        port,
        workers=workers,
        allowed_hosts=tuple(allowed_host or ()),
        open_to_all=open_to_all,
        access_log=not quiet,
        otel=otel,
    )


def missing_package(packages: tuple[str, ...] = SERVE) -> str | None:
    """The first of these packages that is not installed, by its name at PyPI; None where all are."""
    return next((re.sub(r"[_.]", "-", package) for package in packages if not _is_here(package)), None)


def _is_here(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package that is not there itself
        return False


def check_installed(*, otel: bool = False) -> None:
    """MissingExtraError where the service cannot run; said before anything is trained or put to use."""
    from foretaste.errors import MissingExtraError

    if (package := missing_package()) is not None:
        raise MissingExtraError(package, "serve", "The service")
    if otel and (package := missing_package(("opentelemetry.sdk",))) is not None:
        raise MissingExtraError(package, "otel", "Tracing")


def run_server(
    folder: Path,
    host: str,
    port: int,
    *,
    workers: int = 1,
    allowed_hosts: tuple[str, ...] = (),
    open_to_all: bool = False,
    access_log: bool = True,
    otel: bool = False,
) -> None:
    """Blocks until Ctrl-C."""
    from foretaste.serving.process.server import serve_project
    from foretaste.serving.settings import ServerConfig

    words = f"\n[bold]http://{host}:{port}[/bold]  the page; /docs the API; Ctrl-C stops."
    config = ServerConfig(
        host=host,
        port=port,
        workers=workers,
        allowed_hosts=allowed_hosts,
        open_to_all=open_to_all,
        access_log=access_log,
        otel=otel,
    )
    serve_project(folder, config, announce=lambda: console().print(words, highlight=False))
