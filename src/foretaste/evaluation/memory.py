"""Peak memory of a piece of work, beyond what the process held before."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import Self

EVERY_SECONDS = 0.01


class PeakMemory:
    """`with PeakMemory() as peak: work()`, then `peak.megabytes`; None where the system does not say (no /proc).

    The kernel's high-water mark is exact, but is the peak since the process started: where the work stayed below it,
    samples that a thread takes every 10 ms count.
    """

    megabytes: float | None = None

    def __enter__(self) -> Self:
        _give_back()
        self._before = _held()
        self._mark = _high_water()
        self._seen = self._before or 0
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        if self._before is not None:
            self._watcher.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if self._before is None:
            return
        self._done.set()
        self._watcher.join()
        mark = _high_water()
        peak = mark if mark is not None and self._mark is not None and mark > self._mark else self._seen
        self.megabytes = max(0, max(peak, _held() or 0) - self._before) / 1e6

    def _watch(self) -> None:
        while not self._done.wait(EVERY_SECONDS):
            self._seen = max(self._seen, _held() or 0)


def _give_back() -> None:
    """Return freed memory to the system (glibc); otherwise the next work would reuse it and seem to need none."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):
        return


def _held() -> int | None:
    """Resident set size of this process in bytes; None without /proc."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def _high_water() -> int | None:
    """Peak resident set size of this process in bytes; None without /proc."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
