"""Errors as JSON: always the same shape, one sentence, never a stack trace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from foretaste.api import ErrorDetail, ErrorOut, validation_message
from foretaste.api.base import OBJECTS
from foretaste.errors import BundleError, ConfigError, DataError, ForetasteError, StoreFullError, UnknownNameError
from foretaste.serving.errors import GoneError, KeysUnreadableError, NotReadyError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

log = logging.getLogger("foretaste.serving")

CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
SENTENCES = {
    404: "There is no such address; see /openapi.json for all addresses.",
    405: "This address does not support this method; see /openapi.json.",
}
DOCUMENTED = {
    status: {"model": ErrorOut, "description": what}
    for status, what in {
        401: "A valid API key is needed.",
        403: "The key lacks the scope, or the host name is not allowed.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        415: "The body is compressed; send it without Content-Encoding.",
        422: "The request is invalid; the message says what and where.",
        429: "Too many requests; Retry-After says when to try again.",
        507: "The disk is full; nothing of the request was stored.",
        503: "Not ready, overloaded, or its data cannot be reached; Retry-After says when to try again.",
    }.items()
}
"""Error responses that every route may give."""


def problem(status: int, code: str, message: str) -> Response:
    body = ErrorOut(error=ErrorDetail(code=code, message=message))
    return Response(body.model_dump_json(), status, media_type="application/json")


def unreadable_keys(error: KeysUnreadableError) -> Response:
    """503 for every caller, because no key can be checked; the file name is written to the log only."""
    log.error("%s", error)
    message = "The service cannot read its API keys, so it refuses all requests; the server's log has the details."
    answer = problem(503, "keys_unreadable", message)
    answer.headers["Retry-After"] = "10"
    return answer


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ForetasteError, _ours)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status == 400:  # from FastAPI, for a body that cannot be decoded: nested too deep, not UTF-8
        return problem(422, "invalid", "The body cannot be read as JSON; send one JSON object in UTF-8.")
    answer = problem(status, CODES.get(status, "refused"), SENTENCES.get(status, error.detail))
    answer.headers.update(error.headers or {})  # Allow, of a 405
    return answer


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if isinstance(error.body, bytes):  # this also refuses cross-site form posts, which need no CORS preflight
        return problem(422, "invalid", "The body was not read; send it with the header Content-Type: application/json.")
    if first["type"] == "json_invalid":
        return problem(422, "invalid", f"The body is not JSON: {first['ctx']['error']} at character {first['loc'][1]}.")
    if first["loc"] == ("body",) and first["type"] in ("missing", *OBJECTS):  # the body as a whole is wrong
        empty = "is empty; it " if first["type"] == "missing" else ""
        return problem(422, "invalid", f"The body {empty}must be a JSON object, as /docs shows it.")
    return problem(422, "invalid", validation_message(first))


def _ours(request: Request, error: Exception) -> Response:
    if isinstance(error, UnknownNameError):
        return problem(404, "not_found", str(error))
    if isinstance(error, DataError | ConfigError):
        return problem(422, "invalid", str(error))
    if isinstance(error, GoneError):
        return problem(410, "gone", str(error))
    if isinstance(error, BundleError):
        log.error("%s", error)
        return problem(
            409, "damaged", "This bundle cannot be used; the server's log says why. The one in use stays active."
        )
    if isinstance(error, StoreFullError):
        log.error("%s", error)
        return problem(507, "disk_full", "The disk under the event store is full; nothing of this request was stored.")
    if isinstance(error, NotReadyError):
        answer = problem(503, "not_ready", str(error))
    else:
        log.error("%s", error)  # the message may name files, which are not for clients
        answer = problem(503, "unavailable", "The service cannot reach its data just now; try again in a moment.")
    answer.headers["Retry-After"] = "1"
    return answer
