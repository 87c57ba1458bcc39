"""How the service listens and what it allows."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from foretaste.config import Config

PICTURES = "/v1/search/picture"
"""The one address that takes pictures rather than JSON."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Limits(Config):
    """What one client, one request and one process may ask of us."""

    body_bytes: PositiveInt = 1 << 20
    """The largest request body."""
    picture_bytes: PositiveInt = 8 << 20
    """The largest picture to search by."""
    header_bytes: PositiveInt = 32 << 10
    """The most of a request line and its headers."""
    header_seconds: PositiveFloat = 10.0
    """How long a client may take over its headers; then we hang up."""
    body_seconds: PositiveFloat = 10.0
    """How long a client may take over its body."""
    answer_seconds: PositiveFloat = 2.0
    """After how long a list leaves out the sources not asked yet, and says `degraded`."""
    requests_per_second: PositiveFloat = 1_000.0
    """Of one key, or of one address where no key is asked for; per worker. A burst may be twice that."""
    refusals_per_second: PositiveFloat = 10.0
    """How often one address may come without a good key before it is told to wait."""
    wait_seconds: PositiveFloat = 0.05
    """A request that would have to wait longer than this for its turn is refused at once, so that the others do not."""
    waiting: PositiveInt = 8
    """So many may wait in any case, unless there is a rush."""
    rush_seconds: PositiveFloat = 0.02
    """The same as wait_seconds while more is asked than can be done: a queue that does not empty helps nobody."""
    connections: PositiveInt = 2_000
    """Open at once, per worker."""
    requests_per_connection: PositiveInt = 100
    """Answered on one connection before it is closed, with notice: workers accept in turns only what is new."""

    def of_body(self, path: str) -> int:
        """The most bytes the body of a request to this address may have."""
        return self.picture_bytes if path == PICTURES else self.body_bytes


class ServerConfig(Config):
    host: str = "127.0.0.1"
    """Address to listen on; only this machine by default."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes any that is free."""
    workers: PositiveInt = 1
    """Processes that answer; they share the log on disk and the arrays of the bundle."""
    threads: PositiveInt = 4
    """Requests worked on at once by one worker. More would wait for the disk together, but compute in turns anyway."""
    open_to_all: bool = False
    """Nobody is asked for a key, even beyond this machine."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names this service is called by, as in the Host header, without the port."""
    limits: Limits = Limits()
    access_log: bool = True
    """One line per request: id, method, route, status, time; never an id of a person or an item."""
    otel: bool = False
    """One OpenTelemetry span per request, sent where the OTEL_* variables say; needs the extra `otel`."""
    keep_versions: NonNegativeInt = 1
    """Bundles kept in memory beside the one in use, for pages that began with them."""

    @property
    def beyond_loopback(self) -> bool:
        return self.host not in LOOPBACK

    @property
    def known_hosts(self) -> frozenset[str] | None:
        """The Host names to answer to; None answers to all.

        On loopback a page of some other site could otherwise reach us by letting its own name point to 127.0.0.1.
        """
        if not self.beyond_loopback or self.allowed_hosts:
            return frozenset(name.lower() for name in (*LOOPBACK, self.host, *self.allowed_hosts))
        return None
