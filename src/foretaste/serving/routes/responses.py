"""How an answer leaves: as it is, without being checked a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from foretaste.api import ErrorOut

if TYPE_CHECKING:
    from pydantic import BaseModel

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorOut, "description": "Nothing is called that."}}
GONE: dict[int | str, dict[str, Any]] = {
    410: {"model": ErrorOut, "description": "The page came too late; begin again."}
}


def as_json(answer: BaseModel, status: int = 200) -> Response:
    """What was not asked for (reasons, trace) was never set, and is left out."""
    return Response(answer.model_dump_json(exclude_unset=True), status, media_type="application/json")
