"""Who is there, and what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from foretaste.serving.routes.sending import as_json
from foretaste.serving.schemas import N, Name, People, Profile

if TYPE_CHECKING:
    from foretaste.serving.engine import Engine


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["users"])

    @routes.get("/v1/users", response_model=People)
    def people(n: N = 20) -> Response:
        """People, most recently active first."""
        return as_json(engine.people(n))

    @routes.get("/v1/users/{user:path}/profile", response_model=Profile)
    def profile(user: Name, n: N = 50) -> Response:
        """What a person did, newest first; nothing for somebody nobody has heard of."""
        return as_json(engine.profile(user, n))

    return routes
