"""Group commit: everybody gets their own results, in few transactions, and errors reach those they concern."""

from __future__ import annotations

import threading

import pytest

from foretaste.errors import StoreFullError
from foretaste.events.group_commit import GroupCommit


class Slow:
    """A commit that waits until it is let go, and remembers what it was given."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = threading.Semaphore(0)
        self.running = 0

    def __call__(self, work: list[int]) -> list[int]:
        self.running += 1
        assert self.running == 1, "two transactions at once"
        self.groups.append(work)
        assert self.go.acquire(timeout=10)
        self.running -= 1
        if 13 in work:
            raise StoreFullError("no room")
        return [-n for n in work]


def start(group: GroupCommit[int, int], works: list[list[int]], slow: Slow) -> tuple[list[threading.Thread], list]:
    """Threads that submit one after the other; the first is under way when the others come."""
    answers: list = [None] * len(works)

    def submit(i: int) -> None:
        try:
            answers[i] = group.submit(works[i])
        except StoreFullError as error:
            answers[i] = error

    threads = []
    for i in range(len(works)):
        threads.append(threading.Thread(target=submit, args=(i,)))
        threads[-1].start()
        while len(slow.groups) == 0 or len(group._waiting) < i:
            threading.Event().wait(0.001)
    return threads, answers


def test_who_comes_during_a_transaction_shares_the_next_one() -> None:
    slow = Slow()
    threads, answers = start(GroupCommit(slow), [[1], [2, 3], [], [4]], slow)
    for _ in range(2):
        slow.go.release()
    for thread in threads:
        thread.join(10)
    assert slow.groups == [[1], [2, 3, 4]]
    assert answers == [[-1], [-2, -3], [], [-4]]


def test_a_group_is_no_larger_than_it_may_be_but_nobody_is_split() -> None:
    slow = Slow()
    threads, answers = start(GroupCommit(slow, most=3), [[1], [2, 3], [4, 5], [6], [7, 8, 9, 10]], slow)
    for _ in range(4):
        slow.go.release()
    for thread in threads:
        thread.join(10)
    assert slow.groups == [[1], [2, 3], [4, 5, 6], [7, 8, 9, 10]]
    assert answers[-1] == [-7, -8, -9, -10]


def test_an_error_reaches_those_who_shared_the_transaction_and_nobody_after() -> None:
    slow = Slow()
    group = GroupCommit(slow)
    threads, answers = start(group, [[1], [13], [2]], slow)
    for _ in range(2):
        slow.go.release()
    for thread in threads:
        thread.join(10)
    assert answers[0] == [-1]
    assert {type(answer) for answer in answers[1:]} == {StoreFullError}
    assert answers[1] is not answers[2], "each thread has an error of its own to raise"
    slow.go.release()
    assert group.submit([5]) == [-5]


def test_many_threads_get_what_is_theirs() -> None:
    group: GroupCommit[int, int] = GroupCommit(lambda work: [n * n for n in work], most=50)
    wrong: list[int] = []

    def work(k: int) -> None:
        for i in range(300):
            if group.submit([k, i]) != [k * k, i * i]:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert not wrong


def test_an_interrupted_leader_does_not_leave_the_others_waiting() -> None:
    calls = []

    def commit(work: list[int]) -> list[int]:
        calls.append(work)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return work

    group: GroupCommit[int, int] = GroupCommit(commit)
    with pytest.raises(KeyboardInterrupt):
        group.submit([1])
    assert group.submit([2]) == [2]
