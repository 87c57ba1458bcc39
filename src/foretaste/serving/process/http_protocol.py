"""HTTP protocol with timeouts and limits on headers, which uvicorn has not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from foretaste.serving.settings import Limits

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport


class TimeoutProtocol(HttpToolsProtocol):
    """Closes connections whose headers are too slow or too large, and those beyond the limit of connections."""

    limits: ClassVar[Limits] = Limits()
    _timer: TimerHandle | None = None
    _in_headers = True
    _header_bytes = 0
    _requests = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.close()
        else:
            self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._header_bytes += len(data)
            if self._timer is None:
                self._wait_for_headers()
        super().data_received(data)
        # Bytes of the body may be counted too, but then the headers are complete.
        if self._in_headers and self._header_bytes > self.limits.header_bytes:
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._header_bytes = 0
        self._stop_waiting()
        super().on_headers_complete()
        self._requests += 1
        if self._requests >= self.limits.requests_per_connection:
            # A new connection goes to a free worker; an open one would stay with this worker.
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_headers = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        self._timer = self.loop.call_later(self.limits.header_seconds, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
