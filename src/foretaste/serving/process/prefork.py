"""Pre-fork worker pool: processes on one socket, forked from a parent that has imported most modules.

uvicorn's own workers are new processes that import everything again, which delays the replacement of a worker that
died. Modules that start threads on import (polars) are left to the workers: forking a process with threads is unsafe.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from foretaste import errors

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from types import FrameType

ReportFailure = Callable[[errors.ForetasteError], None]
Work = Callable[[ReportFailure | None], None]

log = logging.getLogger("foretaste.serving")
BEAT_SECONDS = 1.0
SILENT_SECONDS = 30.0
"""A worker without a heartbeat for so long is killed and replaced."""
PAUSE_SECONDS = 1.0
"""Least time between two starts of a worker that keeps ending at once."""
HOW = "fork" if sys.platform == "linux" else "spawn"
"""Elsewhere loaded system libraries may not survive a fork."""


class WorkerPool:
    """Keeps `n` worker processes alive, each running `work`, until SIGTERM or SIGINT."""

    def __init__(self, work: Work, n: int, grace_seconds: float) -> None:
        """work : serves until SIGTERM; gets a function to report why it cannot. Must be picklable"""
        self._work = work
        self._n = n
        self._grace = grace_seconds
        self._context: Any = multiprocessing.get_context(HOW)
        self._beats: list[Any] = [self._context.RawValue("d", 0.0) for _ in range(n)]
        self._workers: list[BaseProcess] = []
        self._refusals: list[Connection] = []
        self._started = [0.0] * n
        self._stop = threading.Event()

    def run(self) -> None:
        """Blocks until SIGTERM or Ctrl-C. Raises the error that one of the first workers failed to start with."""
        before = {sign: signal.signal(sign, self._hear) for sign in (signal.SIGTERM, signal.SIGINT)}
        gc.collect()
        gc.freeze()  # imported modules stay in memory pages that all workers share
        try:
            self._workers = [self._begun(i, first=True) for i in range(self._n)]
            while not self._stop.is_set():
                self._replace_dead()
        finally:
            self._end()
            for sign, handler in before.items():
                signal.signal(sign, handler)

    def _begun(self, i: int, *, first: bool = False) -> BaseProcess:
        self._beats[i].value = self._started[i] = time.monotonic()
        say: Connection | None = None
        if first:
            hear, say = self._context.Pipe(duplex=False)
            self._refusals.append(hear)
        life = (self._work, self._beats[i], os.getpid(), say)
        worker: BaseProcess = self._context.Process(target=_live, args=life, name=f"foretaste-worker-{i}")
        worker.start()
        if say is not None:
            say.close()  # only the worker writes to it
        return worker

    def _replace_dead(self) -> None:
        """Replace workers that died or are stuck."""
        heard = wait([*(worker.sentinel for worker in self._workers), *self._refusals], timeout=0.5)
        for connection in [one for one in self._refusals if one in heard]:
            with suppress(EOFError):  # the worker ended without a report
                kind, message = connection.recv()
                raise getattr(errors, kind, errors.ForetasteError)(message)
            self._refusals.remove(connection)
        for i, worker in enumerate(self._workers):
            silent = time.monotonic() - self._beats[i].value
            if worker.is_alive() and silent > SILENT_SECONDS:
                log.error("A worker has not responded for %.0f seconds; it is replaced.", silent)
                worker.kill()
                worker.join()
            if worker.is_alive() or self._stop.is_set():
                continue
            log.warning("A worker ended with %s; it is replaced.", worker.exitcode)
            if time.monotonic() - self._started[i] < PAUSE_SECONDS:
                self._stop.wait(PAUSE_SECONDS)
            worker.close()
            self._workers[i] = self._begun(i)

    def _end(self) -> None:
        for worker in self._workers:
            if worker.is_alive():
                worker.terminate()
        deadline = time.monotonic() + self._grace
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            if worker.is_alive():
                worker.kill()
                worker.join()

    def _hear(self, sign: int, frame: FrameType | None) -> None:
        self._stop.set()


def _live(work: Work, beat: Any, parent: int, say: Connection | None) -> None:
    """Main function of a worker process.

    say : pipe on which the first workers report why they cannot serve; None for replacements, which simply retry
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_show_life, args=(beat, parent), name="foretaste-beat", daemon=True).start()
    with suppress(KeyboardInterrupt):
        work(None if say is None else partial(_refuse, say))


def _refuse(say: Connection, error: errors.ForetasteError) -> None:
    say.send((type(error).__name__, str(error)))


def _show_life(beat: Any, parent: int) -> None:
    while True:
        beat.value = time.monotonic()
        time.sleep(BEAT_SECONDS)
        if os.getppid() != parent:  # the parent was killed; a worker without a parent must not go on
            os.kill(os.getpid(), signal.SIGTERM)
