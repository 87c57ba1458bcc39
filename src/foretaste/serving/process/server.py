"""Runs the service with uvicorn until it is told to stop: in this process, or in several that share its socket."""

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
    "prometheus_client",
    "scipy.sparse",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "foretaste.serving.http.guard",
)
"""Imported once for all workers: what takes longest, and starts no thread."""
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
    """Serve until Ctrl-C; host and port hold unless a whole config is given. `announce` is called
    once the address is ours.

    ConfigError if the port is taken, the keys cannot be read, or the address can be reached from elsewhere and there
    are no keys to ask for;
    BundleError if the bundle in use is damaged.
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
    with listening, suppress(KeyboardInterrupt):  # Ctrl-C is how one stops it, not a fault
        server.run(sockets=[listening])
    if refused:
        raise refused[0]


def serve_project(folder: Path, config: ServerConfig, announce: Callable[[], None] = lambda: None) -> None:
    """Serve a project folder, with as many workers as the config says. Raises what `run` raises."""
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
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures  # read when the figures are imported, which is now
        for name in PRELOADED:
            import_module(name)
        from foretaste.serving.process import worker
        from foretaste.serving.process.prefork import WorkerPool

        WorkerPool(partial(worker.serve, folder.resolve(), config, listening), config.workers, 2 * GRACE_SECONDS).run()


def check_closed(config: ServerConfig, keys: KeyFile | None) -> None:
    """ConfigError if whoever reaches the address could read and write everything, and nobody said so.

    Also where the keys cannot be read: that is said now, and not to everybody who asks.
    """
    known = [] if keys is None else keys.all()
    if config.beyond_loopback and not config.open_to_all and not known:
        raise ConfigError(
            f"Whoever reaches {config.host} could read and write everything, for this project has no keys yet. "
            "Make one with `foretaste keys create NAME --scope write --scope read`, or say --open-to-all."
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
