"""Time that never runs backwards, and times that cannot be."""

from __future__ import annotations

import threading

import pytest

from foretaste.events.clock import Clock
from foretaste.events.memory import MemoryStore
from foretaste.events.model import Event

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
NOON = 1_795_262_400_000_000


class Wall:
    """A clock on the wall that somebody sets, in µs."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now * 1000


def test_a_clock_set_back_does_not_turn_histories_around() -> None:
    wall, store = Wall(NOON), MemoryStore()
    clock = Clock(wall=wall)
    for i, moment in enumerate((NOON, NOON + SECOND, NOON - HOUR, NOON - HOUR + SECOND, NOON + MINUTE)):
        wall.now = moment
        store.append([Event(str(i), "ann", str(i), "view", clock.now(), stamped=True)])
    assert store.history("ann").item == ["0", "1", "2", "3", "4"]
    assert store.history("ann").time[-1] == NOON + MINUTE, "and once the wall has caught up, it is right again"


def test_a_machine_that_starts_in_1970_goes_on_from_the_last_stamp() -> None:
    store = MemoryStore()
    store.append([Event("1", "ann", "a", "view", NOON, stamped=True), Event("2", "ann", "b", "view", NOON + HOUR)])
    assert store.last_stamp() == NOON, "a time that a client gave says nothing about our clock"
    assert Clock(store.last_stamp(), wall=Wall(0)).now() == NOON + 1


def test_no_two_threads_get_the_same_moment() -> None:
    clock = Clock(wall=Wall(NOON))
    got: list[int] = []

    def ask() -> None:
        got.extend(clock.now() for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 800


@pytest.mark.parametrize(
    ("by", "words"),
    [(11 * MINUTE, "11 minutes"), (2 * HOUR, "2 hours"), (400 * 24 * HOUR, "400 days"), (2**61, "26687998 days")],
)
def test_an_event_of_the_future_is_refused_in_words(by: int, words: str) -> None:
    why = Clock(wall=Wall(NOON)).ahead(NOON + by)
    assert why is not None
    assert why.startswith(f"'time' lies {words} ahead of this machine's clock")


@pytest.mark.parametrize("moment", [None, 0, NOON, NOON + 9 * MINUTE])
def test_the_past_and_a_clock_a_little_fast_are_fine(moment: int | None) -> None:
    assert Clock(wall=Wall(NOON)).ahead(moment) is None


def test_what_we_stamped_ourselves_is_not_of_the_future() -> None:
    wall = Wall(NOON)
    clock = Clock(wall=wall)
    stamp = clock.now()
    wall.now = NOON - HOUR
    assert clock.ahead(stamp + MINUTE) is None
