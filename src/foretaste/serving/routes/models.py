"""Routes of bundles: list them, activate one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response

from foretaste.api import Activated, ErrorOut, Models, Name
from foretaste.serving.routes.responses import NOT_FOUND, as_json

if TYPE_CHECKING:
    from foretaste.serving.answering.engine import Engine

DAMAGED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorOut, "description": "The bundle is damaged; the one in use stays active."}
}


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["models"])

    @routes.get("/v1/models", response_model=Models)
    def models() -> Response:
        """All bundles with their leaderboards, newest first, and which one is in use."""
        return as_json(engine.models())

    @routes.post("/v1/models/{version}/activate", response_model=Activated, responses={**NOT_FOUND, **DAMAGED})
    def activate(version: Name) -> Response:
        """Activate a bundle, on every worker within a second and without a failed request.

        Returns the bundle that was in use before; activate that one to roll back. 404 for an unknown bundle, 409 for a
        damaged one.
        """
        return as_json(engine.activate(version))

    return routes
