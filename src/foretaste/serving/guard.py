"""What stands before every request: known hosts, small bodies, safe headers, one line in the access log."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders

from foretaste.serving.problems import problem

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from foretaste.serving.settings import ServerConfig

access = logging.getLogger("foretaste.access")
log = logging.getLogger("foretaste.serving")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: https:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Innermost of what is not ours, outermost of what is: nothing passes that it has not seen."""

    def __init__(self, app: ASGIApp, config: ServerConfig) -> None:
        self.app = app
        self.config = config
        self.known_hosts = config.known_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                # Answers are about people; the page itself may be kept, if it is asked for again.
                headers.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/v1/") else "no-cache")
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        try:
            await (refusal or self.app)(scope, self._limited(receive), send_guarded)
        except Exception:
            log.exception("%s %s failed.", scope["method"], _template(scope))
            if status == 0:  # nothing was said yet; else all we can do is hang up
                answer = problem(500, "internal", "Something went wrong on our side; the server's log says what.")
                await answer(scope, receive, send_guarded)
        finally:
            if self.config.access_log:
                milliseconds = 1000 * (perf_counter() - began)
                access.info("%s %s %d %.1f ms", scope["method"], _template(scope), status, milliseconds)

    def _refusal(self, headers: Headers) -> Response | None:
        host = _host(headers.get("host", ""))
        if self.known_hosts is not None and host not in self.known_hosts:
            return problem(403, "unknown_host", "This service is not called by that name; see allowed_hosts.")
        length = headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length[:20]) > self.config.max_body_bytes:
            return problem(413, "too_large", self._too_large())
        return None

    def _limited(self, receive: Receive) -> Receive:
        """For a body that does not say how long it is."""
        seen = 0

        async def receive_limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.config.max_body_bytes:
                raise HTTPException(413, self._too_large())
            return message

        return receive_limited

    def _too_large(self) -> str:
        return f"The body is larger than {self.config.max_body_bytes} bytes; send fewer events at a time."


def _host(header: str) -> str:
    """'[::1]:8000' and 'localhost:8000' without the port."""
    if header.startswith("["):
        return header[1 : header.find("]")].lower()
    return header.partition(":")[0].lower()


def _template(scope: Scope) -> str:
    """/v1/users/{user}/profile rather than whose profile it was."""
    if "route" in scope:
        return scope["route"].path.replace(":path}", "}")
    return "/console/…" if scope["path"].startswith("/console/") else "(no such route)"
