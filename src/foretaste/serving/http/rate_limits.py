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
RUSH, CALM = 0.3, 0.2
"""Share of the requests refused lately at which a rush begins, and below which it is over: 0.5 is twice too many. A
queue of ALWAYS refuses a tenth at full load by chance; were CALM no more than that, a rush would never be over."""
LATELY = 0.05
"""Weight of the latest request in that share, and in the pace: an average over about the last twenty."""
ALWAYS = 3
"""Under way even in the worst rush: one that is worked on, and two that are next. With one that is next, the worker sat
idle as often as by chance nobody came for a moment: a fourth of what could be done was not."""


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


class AdmissionControl:
    """How long a request that came now would wait, by how fast requests were done lately (Little's law).

    A queue that comes of chance empties by itself, and whoever stands in it may wait `wait_seconds`. One that comes of
    a rush does not: it would be as long as it may be, all the time, and everybody would wait. So as soon as a good part
    of what comes has to be refused, only as many may stand in it as are done within `rush_seconds`; as many are done,
    and they are done sooner (the idea of CoDel; Nichols & Jacobson 2012).

    waiting : so many may wait in any case, but in a rush only ALWAYS in all
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
        self._interval = 0.0  # between two that are done, while there is always one under way
        self._last = 0.0
        self._refused = 0.0  # share of those that came lately
        self.rush = False

    def begin(self) -> bool:
        """Whether it may begin; the caller that got True must call `end`."""
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
        # A pause is not counted, for `begin` starts the clock anew.
        self._interval += LATELY * (now - self._last - self._interval)
        self._last = now


def retry_after(seconds: float) -> str:
    """Whole seconds, at least one: what the header can say."""
    return str(max(1, math.ceil(seconds)))
