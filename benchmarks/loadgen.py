"""Requests over plain sockets: a load generator light enough to share two cores with what it measures."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Measured:
    """seconds  : of answered requests, from when they were due (open loop) or sent (closed loop)
    refused  : the same of those answered 429 or 503
    """

    seconds: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    took: float = 0.0

    def summary(self) -> dict[str, object]:
        return {
            "answered": len(self.seconds),
            "per_second": round(len(self.seconds) / self.took, 1),
            **_quantiles("", self.seconds),
            **(_quantiles("refused_", self.refused) if self.refused else {}),
            "statuses": dict(self.statuses),
        }


def _quantiles(prefix: str, seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    p50, p99, most = np.quantile(np.array(seconds) * 1e3, [0.5, 0.99, 1.0])
    return {f"{prefix}p50_ms": round(p50, 2), f"{prefix}p99_ms": round(p99, 2), f"{prefix}max_ms": round(most, 1)}


class Connection:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            at = lower.index(b"content-length:") + 15
            body = await reader.readexactly(int(lower[at : lower.index(b"\r\n", at)]))
            if b"connection: close" in lower:
                self.close()
            return int(head[9:12]), body
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0, b""

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def open_loop(port: int, make: Callable[[int], bytes], rate: float, seconds: float, seed: int = 0) -> Measured:
    """Requests arrive at random at this rate, whether the earlier ones are answered or not, as people do."""
    # The connection that has waited longest is used next: the last one would ask the same worker again and again.
    measured, free, rng = Measured(), deque[Connection](), random.Random(seed)
    tasks: set[asyncio.Task[None]] = set()

    async def one(number: int, due: float) -> None:
        connection = free.popleft() if free else Connection("127.0.0.1", port)
        status, _ = await connection.ask(make(number))
        took = time.perf_counter() - due
        free.append(connection)
        measured.statuses[status] += 1
        (measured.refused if status in (429, 503) else measured.seconds).append(took)

    began = time.perf_counter()
    due, number = began, 0
    while due < began + seconds:
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        number += 1
        due += rng.expovariate(rate)
    while tasks:
        await asyncio.gather(*tasks)
    measured.took = time.perf_counter() - began
    for connection in free:
        connection.close()
    return measured


REFUSED_SECONDS = 0.1
"""How soon a refused client of the closed loop comes again: at once, refusals would be all that is measured."""


async def closed_loop(port: int, make: Callable[[int], bytes], clients: int, seconds: float) -> Measured:
    """So many clients, each with the next request as soon as the last is answered: what can be sustained at all."""
    measured, numbers = Measured(), iter(range(1 << 60))
    began = time.perf_counter()

    async def client() -> None:
        connection = Connection("127.0.0.1", port)
        while (sent := time.perf_counter()) < began + seconds:
            status, _ = await connection.ask(make(next(numbers)))
            measured.statuses[status] += 1
            refused = status in (429, 503)
            (measured.refused if refused else measured.seconds).append(time.perf_counter() - sent)
            if refused:
                await asyncio.sleep(REFUSED_SECONDS)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    measured.took = time.perf_counter() - began
    return measured
