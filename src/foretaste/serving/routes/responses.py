"""Responses: serialised once, without a second validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from foretaste.api import ErrorOut

if TYPE_CHECKING:
    from pydantic import BaseModel

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorOut, "description": "There is nothing with this id."}}
GONE: dict[int | str, dict[str, Any]] = {
    410: {
        "model": ErrorOut,
        "description": "The bundle of this cursor is no longer loaded; start again without a cursor.",
    }
}


def as_json(answer: BaseModel, status: int = 200) -> Response:
    """The answer as JSON; optional fields that were not requested (reasons, trace) are left out."""
    return Response(answer.model_dump_json(exclude_unset=True), status, media_type="application/json")
