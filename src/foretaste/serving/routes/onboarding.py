"""Route of onboarding."""

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
    Query(
        default_factory=list,
        max_length=MAX_CHOSEN,
        description="Items the user chose so far; repeat the parameter for each.",
    ),
]
Seen = Annotated[
    list[Name],
    Query(
        default_factory=list,
        max_length=MAX_CHOSEN,
        description="Items that were shown and not chosen; they are not returned again.",
    ),
]
Likes = Annotated[
    list[Name], Query(default_factory=list, max_length=MAX_LIKES, description="Labels the user chose so far.")
]


def router(desk: OnboardingDesk) -> APIRouter:
    routes = APIRouter(tags=["recommendations"])

    @routes.get("/v1/onboarding", response_model=Onboarding)
    def onboarding(chosen: Chosen, seen: Seen, likes: Likes, items: HowMany = 12, labels: HowMany = 8) -> Response:
        """Well-known items and labels to show to a new user, those first whose choice is most informative.

        Send what the user chose and passed over so far to get the next ones; then send `chosen` as the history and
        `likes` of POST /v1/recommendations.
        """
        return as_json(desk.ask(items, labels, chosen=chosen, seen=seen, likes=likes))

    return routes
