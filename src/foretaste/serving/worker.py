"""One process that answers."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from foretaste.allocator import keep_freed_memory
from foretaste.serving.app import create_app
from foretaste.serving.engine import Engine
from foretaste.serving.handover import Handover
from foretaste.serving.keys import KeyFile
from foretaste.serving.logs import show_logs
from foretaste.serving.protocol import PatientProtocol
from foretaste.serving.threads import use_one_blas_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from foretaste.serving.settings import ServerConfig

SWITCH_SECONDS = 0.001
"""Python's threads take turns of 5 ms otherwise, and with four at work the one that refuses too much comes last."""


def create() -> FastAPI:
    """What uvicorn calls in each of several workers."""
    given = Handover.take()
    folder, config = Path(given.folder), given.config
    prepare(config)
    engine = Engine.of_project(folder, wait=False, limits=config.limits, keep_versions=config.keep_versions)
    app = create_app(engine, config, KeyFile.of_project(folder))
    within = app.router.lifespan_context

    @asynccontextmanager
    async def until_closed(of: FastAPI) -> AsyncIterator[None]:
        async with within(of):
            yield
        engine.store.close()

    app.router.lifespan_context = until_closed
    return app


def prepare(config: ServerConfig) -> None:
    """What holds for the whole process."""
    show_logs(access=config.access_log)
    keep_freed_memory()
    use_one_blas_thread()
    sys.setswitchinterval(SWITCH_SECONDS)
    PatientProtocol.limits = config.limits
