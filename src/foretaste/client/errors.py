"""What a client can run into."""

from __future__ import annotations

from foretaste.errors import ForetasteError


class ServiceError(ForetasteError):
    """The service refused, or could not be reached; the message is the service's own sentence.

    status      : of the HTTP answer; 0 where there was none
    code        : a word for programs: not_found, unauthorized, overloaded, …; unreachable where there was no answer
    retry_after : seconds after which to come again, where the service said so
    """

    def __init__(self, message: str, *, status: int = 0, code: str = "unreachable", retry_after: float | None = None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after
