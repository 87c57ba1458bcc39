"""A worker process."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import uvicorn

from foretaste.allocator import keep_freed_memory
from foretaste.errors import ForetasteError
from foretaste.serving.process.http_protocol import TimeoutProtocol
from foretaste.serving.process.threads import use_one_blas_thread
from foretaste.serving.process.uvicorn_settings import uvicorn_settings
from foretaste.serving.telemetry.logs import show_logs

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from foretaste.serving.process.prefork import ReportFailure
    from foretaste.serving.settings import ServerConfig

log = logging.getLogger("foretaste.serving")
SWITCH_SECONDS = 0.001
"""Switch interval of Python threads; at the default of 5 ms the event loop, which refuses excess requests, is late."""


def serve(folder: Path, config: ServerConfig, listening: socket.socket, refuse: ReportFailure | None = None) -> None:
    """Serve on a shared socket until SIGTERM.

    refuse : called with the error where the worker cannot serve, so that it is reported once and not by every worker
    """
    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.http.app import (
        create_app,  # these start threads, which the parent must not have before the fork
    )
    from foretaste.serving.http.keys import KeyFile

    prepare(config)
    try:
        with Engine.of_project(folder, wait=False, limits=config.limits, keep_versions=config.keep_versions) as engine:
            if refuse is not None:
                engine.worlds.on_refused = refuse
            app = create_app(engine, config, KeyFile.of_project(folder))
            uvicorn.Server(uvicorn.Config(app, **uvicorn_settings())).run(sockets=[listening])
    except ForetasteError as error:
        if refuse is None:
            log.error("A worker cannot serve: %s", error)
        else:
            refuse(error)
        sys.exit(1)


def prepare(config: ServerConfig) -> None:
    """Settings of the whole process: logs, allocator, threads."""
    show_logs(access=config.access_log)
    keep_freed_memory()
    use_one_blas_thread()
    sys.setswitchinterval(SWITCH_SECONDS)
    TimeoutProtocol.limits = config.limits
