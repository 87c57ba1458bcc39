"""Retries with exponential backoff (every call is idempotent), and reading of responses; used by both clients."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from foretaste.client.errors import ServiceError
from foretaste.errors import MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType

    import httpx

    from foretaste.client.calls import Answer, Call

RETRIED_STATUSES = (429, 502, 503, 504)
FIRST_WAIT = 0.1
LONGEST_WAIT = 10.0


def import_httpx() -> ModuleType:
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise MissingExtraError("httpx", "client", "The client") from error
    return httpx


def base_url(address: str) -> str:
    """The address with a scheme and without a slash at its end, as httpx needs it."""
    return (address if "://" in address else f"http://{address}").rstrip("/")


def headers(key: str | None) -> dict[str, str]:
    return {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}


def pause(tries: int, error: ServiceError) -> float:
    """Seconds before the next attempt: exponential backoff with jitter, and at least Retry-After."""
    backoff = min(LONGEST_WAIT, FIRST_WAIT * 2**tries)
    return min(LONGEST_WAIT, max(error.retry_after or 0.0, random.uniform(0.5, 1.0) * backoff))


def is_retryable(error: ServiceError) -> bool:
    return error.status in RETRIED_STATUSES or error.code == "unreachable"


def read(call: Call[Answer], response: httpx.Response) -> Answer:
    """The typed result of a response; ServiceError with the service's message where it is an error."""
    if response.is_success:
        try:
            return call.answer.model_validate_json(response.content)
        except ValidationError as invalid:
            raise ServiceError(
                f"The server at {response.url.host} is not a foretaste service, or has another version.",
                status=response.status_code,
                code="not_understood",
            ) from invalid
    try:
        error: dict[str, Any] = response.json()["error"]
        message, code = str(error["message"]), str(error["code"])
    except (ValueError, KeyError, TypeError):
        message, code = f"The service answered with status {response.status_code}.", "unknown"
    after = response.headers.get("Retry-After", "")
    seconds = float(after) if after.isdigit() else None
    raise ServiceError(message, status=response.status_code, code=code, retry_after=seconds)


def unreachable(address: str, error: Exception) -> ServiceError:
    return ServiceError(f"There is no response from {address} ({type(error).__name__}). Is `foretaste serve` running?")
