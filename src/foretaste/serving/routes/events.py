"""POST /v1/events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from foretaste.api import EventsIn, EventsOut
from foretaste.serving.routes.responses import as_json

if TYPE_CHECKING:
    from foretaste.serving.answering.engine import Engine


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["events"])

    @routes.post("/v1/events", response_model=EventsOut)
    def record(body: EventsIn) -> Response:
        """Store up to 1,000 events. Returns one result per event; an event that is sent again never counts twice."""
        return as_json(engine.record(body.events))

    return routes
