"""Liveness and readiness probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from foretaste.api import Liveness, Readiness

if TYPE_CHECKING:
    from foretaste.serving.answering.engine import Engine


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def alive() -> Liveness:
        """Liveness: the process responds."""
        return Liveness(status="ok")

    @routes.get("/readyz")
    def ready() -> Readiness:
        """Readiness: the log can be read and the models are loaded; otherwise 503.

        `degraded` means that only popular items can be recommended until the models are loaded.
        """
        engine.check_ready()
        return Readiness(status="degraded" if engine.world.partial else "ready", version=engine.version)

    return routes
