"""Which bundles there are, and how they measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from foretaste.serving.routes.sending import as_json
from foretaste.serving.schemas import Models

if TYPE_CHECKING:
    from foretaste.serving.engine import Engine


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["models"])

    @routes.get("/v1/models", response_model=Models)
    def models() -> Response:
        """Every trained bundle, the newest first, and which one answers."""
        return as_json(engine.models())

    return routes
