"""Runs the service with uvicorn: in this process, or in several workers that share a socket."""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from foretaste.errors import BundleError, ConfigError
from foretaste.serving.http.keys import KeyFile
from foretaste.serving.process.uvicorn_settings import GRACE_SECONDS, uvicorn_settings
from foretaste.serving.settings import ServerConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.serving.answering.engine import Engine

PRELOADED = (
    "fastapi",
    "numpy",
    "foretaste.serving.telemetry.prometheus",  # reads where the figures are kept, which is now set
    "scipy.sparse",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "foretaste.serving.http.guard",
)
"""Modules imported before the fork: slow to import, and they start no threads."""
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS")


def run(
    engine: Engine,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    config: ServerConfig | None = None,
    keys: KeyFile | None = None,
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve until Ctrl-C; host and port are used unless a config is given. `announce` is called once the port is bound.

    raises : ConfigError if the port is in use, the keys cannot be read, or the address is reachable from other machines
             and there are no keys; BundleError if the bundle in use is damaged
    """
    from foretaste.serving.http.app import create_app
    from foretaste.serving.process.worker import prepare

    config = config or ServerConfig(host=host, port=port)
    check_closed(config, keys)
    listening = listen(config)
    announce()
    prepare(config)
    server = uvicorn.Server(uvicorn.Config(create_app(engine, config, keys), **uvicorn_settings()))
    refused: list[BundleError] = []

    def give_up(error: BundleError) -> None:
        refused.append(error)
        server.should_exit = True

    engine.worlds.on_refused = give_up
    with listening, suppress(KeyboardInterrupt):  # Ctrl-C is the normal way to stop
        server.run(sockets=[listening])
    if refused:
        raise refused[0]


def serve_project(folder: Path, config: ServerConfig, announce: Callable[[], None] = lambda: None) -> None:
    """Serve a project folder with the workers of the config. Raises the errors of `run`."""
    keys = KeyFile.of_project(folder)
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    if config.workers == 1:
        from foretaste.serving.answering.engine import Engine

        with Engine.of_project(folder, wait=False, limits=config.limits, keep_versions=config.keep_versions) as engine:
            run(engine, config=config, keys=keys, announce=announce)
        return
    check_closed(config, keys)
    listening = listen(config)
    announce()
    with listening, tempfile.TemporaryDirectory(prefix="foretaste-metrics-") as figures:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures  # read when prometheus_client is imported below
        for name in PRELOADED:
            import_module(name)
        from foretaste.serving.process import worker
        from foretaste.serving.process.prefork import WorkerPool

        WorkerPool(partial(worker.serve, folder.resolve(), config, listening), config.workers, 2 * GRACE_SECONDS).run()


def check_closed(config: ServerConfig, keys: KeyFile | None) -> None:
    """ConfigError if the service would be open to other machines without keys and without `open_to_all`.

    Also if the key file cannot be read, so that this is noticed at the start.
    """
    known = [] if keys is None else keys.all()
    if config.beyond_loopback and not config.open_to_all and not known:
        raise ConfigError(
            f"Anyone who reaches {config.host} could read and write everything, because this project has no API keys. "
            "Create one with `foretaste keys create NAME --scope write --scope read`, or pass --open-to-all."
        )


def listen(config: ServerConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=2048)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(
            f"Cannot listen on {config.host} port {config.port} ({why}); choose another with --host or --port."
        ) from None
