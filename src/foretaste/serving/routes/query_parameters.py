"""Query parameters: unknown names are refused, as in bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request  # FastAPI reads the annotation

from foretaste.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from fastapi.routing import APIRoute


async def refuse_unknown_parameters(request: Request) -> None:
    """DataError that names the first parameter the route does not take."""
    if not request.query_params:
        return
    route: APIRoute = request.scope["route"]
    known = [field.alias for field in route.dependant.query_params]
    for name in request.query_params:
        if name not in known:
            takes = did_you_mean(name, known) if known else " It takes none."
            raise DataError(f"query: this address has no parameter '{name[:40]}'.{takes}")
