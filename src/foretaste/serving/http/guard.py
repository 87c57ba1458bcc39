"""Checks before every request: host, API key, body, load; adds security headers, writes metrics and one log line."""

from __future__ import annotations

import logging
import re
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from foretaste.serving.errors import KeysUnreadableError
from foretaste.serving.http.access import Access, required_scope
from foretaste.serving.http.bodies import Refused, read_body, too_large
from foretaste.serving.http.problems import problem, unreadable_keys
from foretaste.serving.http.rate_limits import AdmissionControl, TokenBuckets, retry_after
from foretaste.serving.telemetry import metrics
from foretaste.serving.telemetry.logs import where
from foretaste.serving.telemetry.spans import Spans

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from foretaste.serving.http.keys import ApiKey, KeyFile
    from foretaste.serving.http.keys import Scope as KeyScope
    from foretaste.serving.settings import ServerConfig

access = logging.getLogger("foretaste.access")
log = logging.getLogger("foretaste.serving")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: https:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, config: ServerConfig, keys: KeyFile | None = None) -> None:
        self.app = app
        self.limits = config.limits
        self.log_each = config.access_log
        self.known_hosts = config.known_hosts
        self.access = Access(keys, config)
        self.rates = TokenBuckets(self.limits.requests_per_second)
        self.unauthenticated = TokenBuckets(self.limits.refusals_per_second)
        self.spans = Spans() if config.otel else None
        limits = self.limits
        self.admission = AdmissionControl(limits.wait_seconds, limits.waiting, config.threads, limits.rush_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self.spans is None:
            await self._guard(scope, receive, send, headers)
            return
        with self.spans.request(headers, scope["method"]) as span:
            scope.setdefault("state", {})["span"] = span
            await self._guard(scope, receive, send, headers)

    async def _guard(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        request_id = headers.get("x-request-id", "")
        if not REQUEST_ID.fullmatch(request_id):
            request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        began = perf_counter()
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                sent = MutableHeaders(scope=message)
                sent.update(HEADERS)
                sent["X-Request-ID"] = request_id
                # API responses are personal; the console's files may be cached and revalidated.
                sent.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/v1/") else "no-cache")
            await send(message)

        key: ApiKey | None = None
        try:
            needed = required_scope(scope["method"], scope["path"], scope.get("query_string", b""))
            key = self.access.key_of(headers) if needed else None
            if (refusal := self._refusal(scope, headers, needed, key)) is not None:
                await refusal(scope, receive, send_guarded)
            else:
                await self._answer(scope, receive, send_guarded)
        except ClientDisconnect:
            pass  # the client is gone
        except KeysUnreadableError as error:
            await unreadable_keys(error)(scope, receive, send_guarded)
        except Exception as error:
            log.error(
                "%s %s failed with %s.",
                *(scope["method"], template(scope), type(error).__name__),
                extra={"request_id": request_id, "where": where(error)},
            )
            if status == 0:  # no response was started; otherwise the connection is closed
                answer = problem(500, "internal", "An internal error occurred; the server's log has the details.")
                await answer(scope, receive, send_guarded)
        finally:
            self._note(scope, status, perf_counter() - began, request_id, key)

    def _refusal(self, scope: Scope, headers: Headers, needed: KeyScope | None, key: ApiKey | None) -> Response | None:
        host = _host(headers.get("host", ""))
        if self.known_hosts is not None and host not in self.known_hosts:
            return _refused("host", problem(403, "unknown_host", "This host name is not allowed; see allowed_hosts."))
        if needed is None:
            return None
        address = scope["client"][0] if scope.get("client") else "unknown"
        if self.access.keys_required():
            answer = self.access.refusal(key, needed)
            if key is None and answer is not None and (seconds := self.unauthenticated.wait(address)):
                return _wait(429, "too_many_requests", "Too many requests without a valid key; wait a moment.", seconds)
            if answer is not None:
                return _refused("key", answer)
        if seconds := self.rates.wait(key.id if key else address):
            rate = f"{self.limits.requests_per_second:g}"
            return _wait(429, "too_many_requests", f"More than {rate} requests per second; wait a moment.", seconds)
        if headers.get("content-encoding", "identity").lower() != "identity":
            # A small compressed body may expand to a large one, and events are small.
            return _refused(
                "encoding",
                problem(415, "unsupported_encoding", "Send the body uncompressed, without Content-Encoding."),
            )
        length = headers.get("content-length", "0")
        most = self.limits.of_body(scope["path"])
        if length.isascii() and length.isdigit() and int(length[:20]) > most:
            return _refused("size", too_large(most))
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, pass admission control, then call the application."""
        try:
            replayed = await read_body(scope, receive, self.limits)
        except TimeoutError:
            answer = problem(408, "too_slow", "The body did not arrive in time; send it again.")
            answer.headers["Connection"] = "close"
            await _refused("slow", answer)(scope, receive, send)
            return
        except Refused as refused:
            await _refused(refused.why, refused.answer)(scope, receive, send)
            return
        if not scope["path"].startswith("/v1/"):
            await self.app(scope, replayed, send)
        elif self.admission.begin():
            metrics.UNDER_WAY.inc()
            try:
                await self.app(scope, replayed, send)
            finally:
                self.admission.end()
                metrics.UNDER_WAY.dec()
        else:
            await _wait(503, "overloaded", "The service is overloaded; try again in a second.", 1)(scope, receive, send)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str, key: ApiKey | None) -> None:
        method, route, ms = scope["method"], template(scope), round(1000 * seconds, 1)
        known = method if method in ("GET", "HEAD", "POST", "PUT", "DELETE") else "OTHER"
        metrics.REQUESTS.labels(known, route, status).inc()
        metrics.LATENCY.labels(route).observe(seconds)
        if self.spans is not None:
            self.spans.end(scope["state"]["span"], known, route, status, request_id)
        if self.log_each:
            fields = {"request_id": request_id, "method": known, "route": route, "status": status, "ms": ms}
            access.info("%s %s %d %.1f ms", known, route, status, ms, extra={**fields, "key": key.id if key else None})


def _refused(why: str, answer: Response) -> Response:
    metrics.REFUSED.labels(why).inc()
    return answer


def _wait(status: int, code: str, message: str, seconds: float) -> Response:
    answer = problem(status, code, message)
    answer.headers["Retry-After"] = retry_after(seconds)
    return _refused("rate" if status == 429 else "load", answer)


def _host(header: str) -> str:
    """The host name of a Host header, such as '[::1]:8000' or 'localhost:8000', without the port."""
    if header.startswith("["):
        return header[1 : header.find("]")].lower()
    return header.partition(":")[0].lower()


def template(scope: Scope) -> str:
    """The route template, such as /v1/users/{user}/profile: without ids, for logs and metrics."""
    if "route" in scope:
        return str(scope["route"].path).replace(":name}", "}")
    return "/console/…" if scope["path"].startswith("/console/") else "(no such route)"
