"""Routes of search: by text, personalised, and by picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from foretaste.api import N, Name
from foretaste.api.base import SearchText
from foretaste.api.search import SearchResults
from foretaste.errors import DataError
from foretaste.serving.routes.recommendations import FILTER_DESCRIPTION, _filter
from foretaste.serving.routes.responses import as_json
from foretaste.serving.search.picture_index import FORMATS

if TYPE_CHECKING:
    from foretaste.serving.search.search_service import SearchService

Personal = Annotated[float, Query(ge=0, le=10, description="Weight of the user's taste; 0 is not personalised.")]
Wanted = Annotated[str | None, Query(max_length=4_096, description=FILTER_DESCRIPTION)]
Remember = Annotated[
    bool, Query(description="Store the search in the user's history, where the project's settings allow it.")
]
TYPES = [f"image/{name.lower()}" for name in FORMATS]
BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of one picture.",
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in TYPES},
    }
}


def router(search_service: SearchService) -> APIRouter:
    routes = APIRouter(tags=["search"])

    @routes.get("/v1/search", response_model=SearchResults)
    def search(
        q: SearchText,
        user: Name | None = None,
        n: N = 10,
        personal: Personal | None = None,
        filter: Wanted = None,
        remember: Remember = False,
    ) -> Response:
        """Search the catalogue by text: typo-tolerant, by words and by meaning; personalised where `user` is given.

        With remember=true it needs a key with the scope write.
        """
        wanted = _filter(filter)
        return as_json(search_service.find(q, n, user=user, personal=personal, wanted=wanted, remember=remember))

    @routes.post("/v1/search/picture", response_model=SearchResults, openapi_extra=BODY)
    async def search_by_picture(request: Request, n: N = 10, filter: Wanted = None) -> Response:
        """The items whose pictures are most similar to the one in the body, a JPEG, PNG, WebP or GIF file.

        The picture is not stored. 503 while the pictures of the catalogue are still being read.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in TYPES:
            raise DataError(f"Send the picture itself, with a Content-Type among {', '.join(TYPES)}.")
        picture = await request.body()
        return as_json(await run_in_threadpool(search_service.search_by_picture, picture, n, wanted=_filter(filter)))

    return routes
