"""How the service listens and what it allows."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from foretaste.config import Config

MAX_N = 500
"""The longest list anybody may ask for."""
MAX_EVENTS = 1_000
"""The most events of one request."""
MAX_TEXT = 256
"""The longest id, in characters."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ServerConfig(Config):
    host: str = "127.0.0.1"
    """Address to listen on; only this machine by default."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes any that is free."""
    open_to_all: bool = False
    """Listen beyond this machine although nobody is asked for a key."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names this service is called by, as in the Host header, without the port."""
    max_body_bytes: PositiveInt = 1 << 20
    """The largest request body."""
    access_log: bool = True
    """One line per request: method, route, status, time; never an id."""

    @property
    def known_hosts(self) -> frozenset[str] | None:
        """The Host names to answer to; None answers to all.

        On loopback a page of some other site could otherwise reach us by letting its own name point to 127.0.0.1.
        """
        if self.host in LOOPBACK or self.allowed_hosts:
            return frozenset(name.lower() for name in (*LOOPBACK, self.host, *self.allowed_hosts))
        return None
