"""Rate limits per client, and admission control of this process under load."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = 10_000
"""Most clients with a bucket; the least recently seen is dropped first and then starts with a full one."""
RUSH, CALM = 0.3, 0.2
"""Share of recently refused requests at which overload begins, and below which it ends: 0.5 means twice the capacity. A
queue of ALWAYS refuses a tenth at full load by chance; with a lower CALM, overload would never end."""
LATELY = 0.05
"""Weight of the latest request in the moving averages: they cover about the last twenty requests."""
ALWAYS = 3
"""Requests admitted even under overload: one in work and two that wait. With only one waiting, the worker was idle
whenever arrivals paused by chance, and a fourth of its capacity was lost."""


class _Bucket(NamedTuple):
    tokens: float
    at: float


class TokenBuckets:
    """Token-bucket rate limiter: each client's bucket fills at `rate` per second, a request takes one token."""

    def __init__(self, rate: float, burst: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = max(1.0, 2 * rate if burst is None else burst)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, client: str, *, take: bool = True) -> float:
        """0 if the client may send a request, else the seconds until it may; `take=False` takes no token."""
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


class AdmissionControl:
    """Admission control: estimates how long a request would wait from the recent throughput (Little's law).

    A queue caused by chance empties by itself, and requests in it may wait `wait_seconds`. A queue caused by overload
    does not empty: it would always be full, and every request would wait. So once many requests are refused, only as
    many may wait as are done within `rush_seconds`: the throughput is the same and the latency lower (as in CoDel;
    Nichols & Jacobson 2012).

    waiting : so many may wait in any case; under overload only ALWAYS in total
    threads : requests worked on at once
    """

    def __init__(
        self,
        wait_seconds: float,
        waiting: int,
        threads: int,
        rush_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_seconds = wait_seconds
        self._always = waiting + threads
        self._rush_seconds = wait_seconds if rush_seconds is None else min(rush_seconds, wait_seconds)
        self._clock = clock
        self.under_way = 0
        self._interval = 0.0  # seconds between two completed requests while the process is busy
        self._last = 0.0
        self._refused = 0.0  # share of recent requests
        self.rush = False

    def begin(self) -> bool:
        """Whether the request is admitted; a caller that got True must call `end`."""
        always, most = (ALWAYS, self._rush_seconds) if self.rush else (self._always, self._most_seconds)
        refused = self.under_way >= always and self.under_way * self._interval > most
        self._refused += LATELY * (refused - self._refused)
        self.rush = self._refused > (CALM if self.rush else RUSH)
        if refused:
            return False
        if self.under_way == 0:
            self._last = self._clock()
        self.under_way += 1
        return True

    def end(self) -> None:
        now = self._clock()
        self.under_way -= 1
        # Idle time is not counted, because `begin` resets the clock.
        self._interval += LATELY * (now - self._last - self._interval)
        self._last = now


def retry_after(seconds: float) -> str:
    """Value of the header Retry-After: whole seconds, at least one."""
    return str(max(1, math.ceil(seconds)))
