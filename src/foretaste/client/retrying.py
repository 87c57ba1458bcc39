"""When to try again and how long to wait: every call here may be sent twice without harm."""

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

AGAIN = (429, 502, 503, 504)
FIRST_WAIT = 0.1
LONGEST_WAIT = 10.0


def needed_httpx() -> ModuleType:
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise MissingExtraError("httpx", "client", "The client") from error
    return httpx


def whole(address: str) -> str:
    """An address as httpx wants it: with its scheme, and without a slash at its end."""
    return (address if "://" in address else f"http://{address}").rstrip("/")


def headers(key: str | None) -> dict[str, str]:
    return {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}


def pause(tries: int, error: ServiceError) -> float:
    """Seconds before the next try: twice as long each time, at random within that, and not before we are asked to."""
    backoff = min(LONGEST_WAIT, FIRST_WAIT * 2**tries)
    return min(LONGEST_WAIT, max(error.retry_after or 0.0, random.uniform(0.5, 1.0) * backoff))


def may_try_again(error: ServiceError) -> bool:
    return error.status in AGAIN or error.code == "unreachable"


def read(call: Call[Answer], response: httpx.Response) -> Answer:
    """The typed answer, or ServiceError with what the service said."""
    if response.is_success:
        try:
            return call.answer.model_validate_json(response.content)
        except ValidationError as error:
            raise ServiceError(
                f"What answers at {response.url.host} is no foretaste service, or one of another version.",
                status=response.status_code,
                code="not_understood",
            ) from error
    try:
        said: dict[str, Any] = response.json()["error"]
        message, code = str(said["message"]), str(said["code"])
    except (ValueError, KeyError, TypeError):
        message, code = f"The service answered with status {response.status_code}.", "unknown"
    after = response.headers.get("Retry-After", "")
    seconds = float(after) if after.isdigit() else None
    raise ServiceError(message, status=response.status_code, code=code, retry_after=seconds)


def unreachable(address: str, error: Exception) -> ServiceError:
    return ServiceError(f"Nothing answers at {address} ({type(error).__name__}). Is `foretaste serve` running?")
