"""Which bundles there are, how they measured, and which one answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response

from foretaste.api import Activated, ErrorOut, Models, Name
from foretaste.serving.routes.responses import NOT_FOUND, as_json

if TYPE_CHECKING:
    from foretaste.serving.answering.engine import Engine

DAMAGED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorOut, "description": "The bundle is damaged; the one in use stays."}
}


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["models"])

    @routes.get("/v1/models", response_model=Models)
    def models() -> Response:
        """Every trained bundle, the newest first, and which one answers."""
        return as_json(engine.models())

    @routes.post("/v1/models/{version}/activate", response_model=Activated, responses={**NOT_FOUND, **DAMAGED})
    def activate(version: Name) -> Response:
        """Put a bundle to use, on every worker within a second and without a failed request. Back the same way."""
        return as_json(engine.activate(version))

    return routes
