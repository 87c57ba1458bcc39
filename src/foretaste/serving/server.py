"""Runs the service with uvicorn until it is told to stop."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from foretaste.errors import ConfigError
from foretaste.serving.app import create_app
from foretaste.serving.settings import LOOPBACK, ServerConfig
from foretaste.serving.threads import use_one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.serving.engine import Engine

GRACE_SECONDS = 5
"""How long requests under way may take once we are told to stop."""


def run(
    engine: Engine,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    config: ServerConfig | None = None,
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve until Ctrl-C; host and port hold unless a whole config is given. `announce` is called
    once the address is ours.

    ConfigError if the port is taken, or the address can be reached from elsewhere and nobody said that it may.
    """
    config = config or ServerConfig(host=host, port=port)
    if config.host not in LOOPBACK and not config.open_to_all:
        raise ConfigError(
            f"Whoever reaches {config.host} could read and write everything, for this version has no keys; "
            "put a proxy that asks for one in front of 127.0.0.1, or say --open-to-all."
        )
    if config.access_log:
        _show(logging.getLogger("foretaste.access"))
    use_one_blas_thread()
    listening = listen(config)
    announce()
    settings = uvicorn.Config(
        create_app(engine, config),
        log_level="warning",
        access_log=False,  # it would print the ids in the paths; the guard writes the route instead
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with listening, suppress(KeyboardInterrupt):  # Ctrl-C is how one stops it, not a fault
        uvicorn.Server(settings).run(sockets=[listening])


def listen(config: ServerConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=2048)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(
            f"Cannot listen on {config.host} port {config.port} ({why}); choose another with --host or --port."
        ) from None


def _show(logger: logging.Logger) -> None:
    """Lines on standard error, unless the program around us has its own idea of logging."""
    logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)
