"""How much is too much: requests per client, and work waiting in this process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = 10_000
"""Clients remembered; the one not heard of for longest is forgotten first, which gives it a full bucket."""


class _Bucket(NamedTuple):
    tokens: float
    at: float


class TokenBuckets:
    """Each client has a bucket of tokens that fills at `rate` per second; a request takes one."""

    def __init__(self, rate: float, burst: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = max(1.0, 2 * rate if burst is None else burst)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, client: str, *, take: bool = True) -> float:
        """0 if the client may go on, else the seconds until it may; `take=False` only looks."""
        now = self._clock()
        tokens, at = self._buckets.get(client, (self.burst, now))
        tokens = min(self.burst, tokens + (now - at) * self.rate)
        short = tokens < 1
        if take:
            self._buckets[client] = _Bucket(tokens if short else tokens - 1, now)
            self._buckets.move_to_end(client)
            if len(self._buckets) > CLIENTS:
                self._buckets.popitem(last=False)
        return (1 - tokens) / self.rate if short else 0.0


class Turns:
    """How long a request that came now would wait, by how fast requests were done lately (Little's law)."""

    def __init__(
        self, wait_seconds: float, waiting: int, threads: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_seconds = wait_seconds
        self._always = waiting + threads
        self._clock = clock
        self.under_way = 0
        self._interval = 0.0  # between two that are done, while there is always one under way
        self._last = 0.0

    def begin(self) -> bool:
        """Whether it may begin; the caller that got True must call `end`."""
        if self.under_way >= self._always and self.under_way * self._interval > self._most_seconds:
            return False
        if self.under_way == 0:
            self._last = self._clock()
        self.under_way += 1
        return True

    def end(self) -> None:
        now = self._clock()
        self.under_way -= 1
        # An average over about the last twenty; a pause is not counted, for `begin` starts the clock anew.
        self._interval += 0.05 * (now - self._last - self._interval)
        self._last = now


def retry_after(seconds: float) -> str:
    """Whole seconds, at least one: what the header can say."""
    return str(max(1, math.ceil(seconds)))
