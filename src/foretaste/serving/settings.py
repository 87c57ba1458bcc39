"""Settings of the server: address, workers, limits."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from foretaste.config import Config

PICTURES = "/v1/search/picture"
"""The one address whose body is a picture instead of JSON."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Limits(Config):
    """Limits per client, per request and per process."""

    body_bytes: PositiveInt = 1 << 20
    """Largest request body."""
    picture_bytes: PositiveInt = 8 << 20
    """Largest picture to search by."""
    header_bytes: PositiveInt = 32 << 10
    """Largest request line with headers."""
    header_seconds: PositiveFloat = 10.0
    """Time for a client to send its headers; then the connection is closed."""
    body_seconds: PositiveFloat = 10.0
    """Time for a client to send its body."""
    answer_seconds: PositiveFloat = 2.0
    """Deadline of a list: sources that have not run by then are skipped, and the response is `degraded`."""
    requests_per_second: PositiveFloat = 1_000.0
    """Rate limit of one key, or of one address where no key is needed; per worker. Bursts may be twice that."""
    refusals_per_second: PositiveFloat = 10.0
    """Rate limit of one address for requests without a valid key."""
    wait_seconds: PositiveFloat = 0.05
    """A request that would wait longer than this is refused at once with 503."""
    waiting: PositiveInt = 8
    """So many requests may wait in any case, except under overload."""
    rush_seconds: PositiveFloat = 0.02
    """Replaces wait_seconds under overload, where a longer queue would only add latency."""
    connections: PositiveInt = 2_000
    """Most open connections per worker."""
    requests_per_connection: PositiveInt = 100
    """Requests on one connection before it is closed, because only new connections are spread over the workers."""

    def of_body(self, path: str) -> int:
        """Most bytes of a request body to this address."""
        return self.picture_bytes if path == PICTURES else self.body_bytes


class ServerConfig(Config):
    """How the service listens."""

    host: str = "127.0.0.1"
    """Address to listen on; localhost by default."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes any free port."""
    workers: PositiveInt = 1
    """Worker processes; they share the log on disk and the memory-mapped arrays of the bundle."""
    threads: PositiveInt = 4
    """Requests one worker handles at once. More threads overlap only in waiting for the disk, not in computing."""
    open_to_all: bool = False
    """No API key is needed, even beyond localhost."""
    allowed_hosts: tuple[str, ...] = ()
    """Further host names of this service, as in the Host header, without the port."""
    limits: Limits = Limits()
    access_log: bool = True
    """One log line per request: id, method, route, status, time; never the id of a user or an item."""
    otel: bool = False
    """One OpenTelemetry span per request, sent where the OTEL_* variables say; needs the extra `otel`."""
    keep_versions: NonNegativeInt = 1
    """Earlier bundles kept in memory beside the one in use, for cursors that began with them."""

    @property
    def beyond_loopback(self) -> bool:
        return self.host not in LOOPBACK

    @property
    def known_hosts(self) -> frozenset[str] | None:
        """The allowed host names; None allows all.

        On loopback this prevents DNS rebinding: another site's name that resolves to 127.0.0.1.
        """
        if not self.beyond_loopback or self.allowed_hosts:
            return frozenset(name.lower() for name in (*LOOPBACK, self.host, *self.allowed_hosts))
        return None
