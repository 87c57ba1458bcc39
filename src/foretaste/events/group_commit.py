"""Group commit: callers that arrive while a transaction is being written share the next one."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from foretaste.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")
Work = TypeVar("Work")


class _Ticket(Generic[Work, Result]):
    """One caller's work, and the lock it waits on until the work is done or it has to lead the next group."""

    __slots__ = ("awake", "error", "results", "work")

    def __init__(self, work: Sequence[Work]) -> None:
        self.work = work
        self.results: list[Result] | None = None
        self.error: BaseException | None = None
        self.awake = Lock()
        self.awake.acquire()


class GroupCommit(Generic[Work, Result]):
    """Passes the work of many threads to `commit` in few calls, never two at once, in order of arrival.

    commit : does a list of work in one transaction and returns one result for each, in order
    most   : largest group in one transaction (a single caller's work is never split)

    There is no timer: a lone caller commits at once, and under load the groups grow by themselves
    (DeWitt et al. 1984, "Implementation techniques for main memory database systems", section 5).
    """

    def __init__(self, commit: Callable[[list[Work]], list[Result]], most: int = 10_000) -> None:
        self._commit = commit
        self._most = most
        self._lock = Lock()
        self._waiting: deque[_Ticket[Work, Result]] = deque()
        self._led = False

    def submit(self, work: Sequence[Work]) -> list[Result]:
        """Returns when the work is committed; an error of the transaction is raised in every caller of the group."""
        ticket: _Ticket[Work, Result] = _Ticket(work)
        with self._lock:
            self._waiting.append(ticket)
            lead, self._led = not self._led, True
        if not lead:
            ticket.awake.acquire()
        if ticket.results is None and ticket.error is None:
            self._lead()
        if isinstance(ticket.error, StoreError):
            raise type(ticket.error)(str(ticket.error)) from ticket.error
        if ticket.error is not None:
            raise ticket.error
        assert ticket.results is not None
        return ticket.results

    def _lead(self) -> None:
        """Commit a group that begins with the oldest ticket, the caller's own."""
        with self._lock:
            group = [self._waiting.popleft()]
            n = len(group[0].work)
            while self._waiting and n + len(self._waiting[0].work) <= self._most:
                n += len(self._waiting[0].work)
                group.append(self._waiting.popleft())
        try:
            results = self._commit([work for ticket in group for work in ticket.work])
            done = 0
            for ticket in group:
                ticket.results = results[done : done + len(ticket.work)]
                done += len(ticket.work)
        except BaseException as error:
            group[0].error = error
            for ticket in group[1:]:  # they were not interrupted themselves
                ours = isinstance(error, Exception)
                ticket.error = error if ours else StoreError("The write was interrupted; send it again.")
        with self._lock:
            heir = self._waiting[0] if self._waiting else None
            self._led = heir is not None
        if heir is not None:
            heir.awake.release()
        for ticket in group[1:]:
            ticket.awake.release()
