"""What to show to somebody new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Response

from foretaste.api import Name, Onboarding
from foretaste.api.limits import MAX_ASKED, MAX_CHOSEN, MAX_LIKES
from foretaste.serving.routes.responses import as_json

if TYPE_CHECKING:
    from foretaste.serving.answering.onboarding import OnboardingDesk

HowMany = Annotated[int, Query(ge=0, le=MAX_ASKED)]
Chosen = Annotated[
    list[Name],
    Query(default_factory=list, max_length=MAX_CHOSEN, description="Items they chose already, each once more."),
]
Seen = Annotated[
    list[Name],
    Query(default_factory=list, max_length=MAX_CHOSEN, description="Items they passed over; not shown again."),
]
Likes = Annotated[
    list[Name], Query(default_factory=list, max_length=MAX_LIKES, description="Labels they chose already.")
]


def router(desk: OnboardingDesk) -> APIRouter:
    routes = APIRouter(tags=["recommendations"])

    @routes.get("/v1/onboarding", response_model=Onboarding)
    def onboarding(chosen: Chosen, seen: Seen, likes: Likes, items: HowMany = 12, labels: HowMany = 8) -> Response:
        """What to ask somebody new: well-known items, and labels, whose choice tells most. With what they chose and
        passed over so far, what to ask next."""
        return as_json(desk.ask(items, labels, chosen=chosen, seen=seen, likes=likes))

    return routes
