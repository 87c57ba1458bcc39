"""Rate limits, admission control and limits of bodies and headers."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.bodies import nests_deeper_than
from foretaste.serving.http.rate_limits import AdmissionControl, TokenBuckets, retry_after
from foretaste.serving.settings import Limits, ServerConfig
from serving.conftest import running


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    buckets = TokenBuckets(rate=2, burst=4, clock=clock)
    assert [buckets.wait("a") for _ in range(4)] == [0, 0, 0, 0]
    assert buckets.wait("a") == pytest.approx(0.5)
    assert buckets.wait("b") == 0
    clock.now += 0.5
    assert buckets.wait("a") == 0
    assert buckets.wait("a") > 0
    clock.now += 1e6
    assert [buckets.wait("a") == 0 for _ in range(5)] == [True] * 4 + [False]


@given(st.lists(st.floats(0, 3), max_size=60))
def test_over_any_time_a_client_gets_no_more_than_burst_and_rate(pauses: list[float]) -> None:
    clock = Clock()
    buckets = TokenBuckets(rate=3, burst=5, clock=clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        passed += buckets.wait("a") == 0
    assert passed <= 5 + 3 * sum(pauses) + 1e-6


def test_turns_refuse_only_what_would_wait_too_long() -> None:
    clock = Clock()
    turns = AdmissionControl(wait_seconds=0.1, waiting=2, threads=1, clock=clock)
    for _ in range(200):  # one at a time, 20 ms each
        assert turns.begin()
        clock.now += 0.02
        turns.end()
    began = 0
    while turns.begin():
        began += 1
    assert began == 6  # 6 x 20 ms is more than 100 ms, 5 x 20 ms is not
    clock.now += 0.02
    turns.end()
    assert turns.begin()
    quick = AdmissionControl(wait_seconds=0.1, waiting=2, threads=1, clock=clock)
    assert all(quick.begin() for _ in range(100))  # nothing is known to be slow yet


def test_a_pause_is_not_taken_for_slowness() -> None:
    clock = Clock()
    turns = AdmissionControl(wait_seconds=0.1, waiting=2, threads=1, clock=clock)
    for _ in range(50):
        assert turns.begin()
        clock.now += 0.001
        turns.end()
        clock.now += 60
    assert all(turns.begin() for _ in range(50))


def line(
    load: float, seconds: float = 20.0, service: float = 0.005
) -> tuple[AdmissionControl, np.ndarray, float, float]:
    """One after the other, 5 ms each more or less, while they come at random, `load` times as fast as they are done:
    the turns, how long who was let in was there, the share refused, and the share of the time that was worked."""
    clock, chance = Clock(), random.Random(0)
    turns = AdmissionControl(wait_seconds=0.05, waiting=8, threads=4, rush_seconds=0.02, clock=clock)
    for _ in range(50):  # it knows its pace
        assert turns.begin()
        clock.now += service
        turns.end()
    ends = clock.now + seconds
    comes, done = clock.now + chance.expovariate(load / service), float("inf")
    inside: list[float] = []
    took: list[float] = []
    refused = 0
    while clock.now < ends:
        if comes < done:
            clock.now, comes = comes, comes + chance.expovariate(load / service)
            if not turns.begin():
                refused += 1
                continue
            inside.append(clock.now)
        else:
            clock.now = done
            took.append(done - inside.pop(0))
            turns.end()
        if clock.now == done or len(inside) == 1:
            done = clock.now + service * chance.gammavariate(9, 1 / 9) if inside else float("inf")
    return turns, np.array(took), refused / (refused + len(took)), len(took) * service / seconds


def test_a_queue_that_comes_of_chance_is_nobodys_fault() -> None:
    for load in (0.1, 0.3, 0.6):
        _, _, refused, _ = line(load)
        assert refused < 0.001


@pytest.mark.parametrize("service", [0.005, 0.010])
@pytest.mark.parametrize(("load", "least"), [(0.8, 0.78), (0.9, 0.86), (1.0, 0.9), (1.2, 0.9)])
def test_near_full_load_hardly_anybody_is_refused_for_nothing(load: float, least: float, service: float) -> None:
    _, _, refused, worked = line(load, 60.0, service)
    assert worked > least
    assert refused < 1 - min(1.0, 1 / load) + 0.09


@pytest.mark.parametrize("load", [2, 3, 10])
def test_in_a_rush_who_is_let_in_is_done_soon_and_nobody_sits_idle(load: float) -> None:
    _, calm, _, _ = line(0.25)
    turns, took, refused, worked = line(load)
    assert turns.rush
    assert np.quantile(took, 0.99) < 3 * np.quantile(calm, 0.99)
    assert refused == pytest.approx(1 - 1 / load, abs=0.05)
    assert worked > 0.95


def test_a_rush_is_over_when_requests_come_as_before() -> None:
    turns, *_ = line(3)
    clock: Any = turns._clock
    while turns.under_way:
        clock.now += 0.005
        turns.end()
    for _ in range(50):
        clock.now += 0.01
        assert turns.begin()
        clock.now += 0.005
        turns.end()
    assert not turns.rush


def test_a_dozen_who_wait_for_their_answers_are_never_a_rush() -> None:
    """However slow the machine, and though they come in clumps, as after a commit they shared."""
    clock = Clock()
    turns = AdmissionControl(wait_seconds=0.05, waiting=8, threads=4, rush_seconds=0.02, clock=clock)
    for _ in range(500):
        assert all(turns.begin() for _ in range(12))
        clock.now += 0.4
        for _ in range(12):
            turns.end()
    assert not turns.rush


def test_retry_after_is_in_whole_seconds_and_never_zero() -> None:
    assert [retry_after(seconds) for seconds in (0.001, 1.0, 1.2)] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("body", "deep"),
    [
        (b"[" * 17 + b"]" * 17, True),
        (b"[" * 16 + b"]" * 16, False),
        (b'{"a":' * 17 + b"1" + b"}" * 17, True),
        (b"[" + b"[]," * 500 + b"[]]", False),
        (b'["' + b"[" * 100 + b'"]', False),
        (b'["\\"' + b"[" * 100 + b'"]', False),
        (b'["\\\\"' + b"[" * 100, True),
        (b"[" * 100_000, True),
        (b"]" * 50 + b"[" * 20, False),
        (b"[" * 10 + b"{" * 10, True),
        (b"[" * 10 + b'"' + b'\\"' * 500_000, False),  # quadratic in a careless reader
        (b"[" * 20 + b'"' + b'\\"' * 500_000 + b"\\", True),
    ],
)
def test_depth_is_counted_outside_of_strings(body: bytes, deep: bool) -> None:
    assert nests_deeper_than(body, 16) is deep


def plain_depth(body: bytes) -> int:
    """The slow reading of the same."""
    depth = deepest = 0
    quoted = escaped = False
    for letter in body:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = letter == 0x5C, letter != 0x22
        elif letter == 0x22:
            quoted = True
        elif letter in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in b"]}":
            depth -= 1
    return deepest


values = st.recursive(
    st.text('[]{}"\\a', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\', max_size=3), inner),
    max_leaves=8,
)


@given(values, st.integers(0, 5))
def test_depth_as_the_plain_reader_has_it(value: object, most: int) -> None:
    import json

    body = json.dumps(value).encode()
    assert nests_deeper_than(body, most) == (plain_depth(body) > most)


# ---- over a real socket


@pytest.fixture
def patient(engine: Engine) -> Iterator[httpx.Client]:
    limits = Limits(header_seconds=0.3, body_seconds=0.3, header_bytes=4_096)
    with running(engine, ServerConfig(limits=limits)) as client:
        yield client


def connect(client: httpx.Client) -> socket.socket:
    made = socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=5)
    made.settimeout(5)
    return made


def is_closed_within(connection: socket.socket, seconds: float) -> bool:
    began = time.monotonic()
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began < seconds


def test_whoever_drips_headers_is_hung_up_on(patient: httpx.Client) -> None:
    with connect(patient) as silent, connect(patient) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        assert is_closed_within(slow, 2)
        assert is_closed_within(silent, 2)
    assert patient.get("/healthz").status_code == 200


def test_headers_without_end_are_hung_up_on(patient: httpx.Client) -> None:
    with connect(patient) as endless:
        endless.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for i in range(100):
                endless.sendall(f"X-{i}: {'a' * 200}\r\n".encode())
        except ConnectionError:
            return
        assert is_closed_within(endless, 0.25)


def test_whoever_drips_a_body_is_told_so(patient: httpx.Client) -> None:
    with connect(patient) as slow:
        slow.sendall(
            b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Content-Length: 500\r\n\r\n{"events"'
        )
        answer = slow.recv(65_536)
        assert b" 408 " in answer.split(b"\r\n")[0]
        assert b"too_slow" in answer


def test_a_length_that_is_not_true_does_not_help(patient: httpx.Client) -> None:
    with connect(patient) as liar:
        head = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        liar.sendall(head)
        try:
            for _ in range(40):
                liar.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        except ConnectionError:
            pass
        answer = liar.recv(65_536)
        assert b" 413 " in answer.split(b"\r\n")[0]


def test_a_connection_is_closed_with_notice_so_that_the_next_one_may_go_elsewhere(
    engine: Engine,
) -> None:
    limits = Limits(requests_per_connection=3)
    with running(engine, ServerConfig(limits=limits)) as client, connect(client) as connection:
        said = []
        for _ in range(3):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")
            said.append(b"connection: close" in answer.lower())
        assert said == [False, False, True]
        assert is_closed_within(connection, 2)


def test_overload_is_refused_at_once_and_passes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty people at once where a list takes 50 ms; `python -m benchmarks serving` measures more."""
    real = engine.for_user

    def slow(*args: Any, **more: Any) -> Any:
        time.sleep(0.05)
        return real(*args, **more)

    monkeypatch.setattr(engine, "for_user", slow)
    took: dict[int, list[float]] = {200: [], 503: []}
    with running(engine, ServerConfig(threads=2, limits=Limits(waiting=4))) as client:

        def ask() -> None:
            with httpx.Client(base_url=client.base_url, timeout=20, verify=False) as mine:
                for _ in range(4):
                    began = time.monotonic()
                    answer = mine.get("/v1/users/u4/recommendations")
                    took[answer.status_code].append(time.monotonic() - began)
                    if answer.status_code == 503:
                        assert answer.headers["retry-after"] == "1"
                        assert answer.json()["error"]["code"] == "overloaded"

        threads = [threading.Thread(target=ask) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.get("/v1/users/u4/recommendations").status_code == 200  # as soon as it is over
    assert len(took[503]) > 20
    assert len(took[200]) > 5
    assert np.median(took[503]) < np.median(took[200])
