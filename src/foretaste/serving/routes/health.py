"""For whatever watches the service: is it alive, can it answer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from foretaste.serving.engine import Engine


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    def alive() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @routes.get("/readyz")
    def ready() -> dict[str, str]:
        """The log can be read and a bundle is loaded; else 503."""
        engine.check_ready()
        return {"status": "ready", "version": engine.version}

    return routes
