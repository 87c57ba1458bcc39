"""What a client can run into."""

from __future__ import annotations

from foretaste.errors import ForetasteError


class ServiceError(ForetasteError):
    """The service refused the request or could not be reached; the message is that of the service.

    status      : HTTP status; 0 where there was no response
    code        : error code for programs: not_found, unauthorized, overloaded, …; unreachable without a response
    retry_after : seconds to wait before a retry, from the header Retry-After
    """

    def __init__(self, message: str, *, status: int = 0, code: str = "unreachable", retry_after: float | None = None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after
