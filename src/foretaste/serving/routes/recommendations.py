"""What to offer: to a known person, and to a guest who brings a history along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from foretaste.serving.routes.sending import as_json
from foretaste.serving.schemas import GuestIn, N, Name, Recommendations

if TYPE_CHECKING:
    from foretaste.serving.engine import Engine


def router(engine: Engine) -> APIRouter:
    routes = APIRouter(tags=["recommendations"])

    @routes.get("/v1/users/{user:path}/recommendations", response_model=Recommendations)
    def for_user(user: Name, n: N = 10, explain: bool = False) -> Response:
        """The best items for a person now. Somebody without history gets what is popular."""
        return as_json(engine.for_user(user, n, explain=explain))

    @routes.post("/v1/recommendations", response_model=Recommendations)
    def for_guest(body: GuestIn) -> Response:
        """The best items for somebody with this history; nothing is kept."""
        return as_json(engine.for_guest(body))

    return routes
