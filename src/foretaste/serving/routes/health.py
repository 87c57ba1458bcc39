"""For whatever watches the service: is it alive, can it answer?"""

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
        """The process answers."""
        return Liveness(status="ok")

    @routes.get("/readyz")
    def ready() -> Readiness:
        """The log can be read and the models are loaded; else 503. `degraded`: only what is popular is loaded yet."""
        engine.check_ready()
        return Readiness(status="degraded" if engine.world.partial else "ready", version=engine.version)

    return routes
