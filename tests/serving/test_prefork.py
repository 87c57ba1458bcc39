"""Workers are forks: one that dies or hangs is replaced, none outlives its parent, and an error is reported once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PARENT = """
import os, signal, sys, time
from foretaste import errors
from foretaste.serving.process import prefork

def work(refuse):
    if {refuses!r} and refuse is not None:
        refuse(errors.BundleError("It is damaged."))
        sys.exit(1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        time.sleep(0.05)

prefork.SILENT_SECONDS = 2.0
try:
    prefork.WorkerPool(work, 2, 5.0).run()
except errors.BundleError as error:
    print("refused:", error)
print("ended in order", flush=True)
"""


def started(refuses: bool = False) -> subprocess.Popen[str]:
    code = PARENT.format(refuses=refuses)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def workers(parent: int, n: int, but: tuple[int, ...] = ()) -> list[int]:
    """Once there are so many that are not among `but`."""
    for _ in range(400):
        found = [c.pid for c in psutil.Process(parent).children() if c.status() != psutil.STATUS_ZOMBIE]
        if len(found) == n and not set(found) & set(but):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{parent} has {found}")


def test_who_dies_or_hangs_is_replaced_and_all_end_when_told() -> None:
    with started() as parent:
        first, second = workers(parent.pid, 2)
        os.kill(first, signal.SIGKILL)
        time.sleep(0.1)
        third = next(pid for pid in workers(parent.pid, 2, but=(first,)) if pid != second)
        os.kill(second, signal.SIGSTOP)
        all_now = workers(parent.pid, 2, but=(second,))
        assert third in all_now
        parent.send_signal(signal.SIGTERM)
        out, err = parent.communicate(timeout=20)
    assert out == "ended in order\n"
    assert parent.returncode == 0
    assert "A worker has not responded for" in err
    assert not any(psutil.pid_exists(pid) for pid in all_now)


def test_no_worker_outlives_a_parent_that_was_killed() -> None:
    with started() as parent:
        two = workers(parent.pid, 2)
        parent.kill()
        parent.wait()
        for _ in range(100):
            if not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in two):
                return
            time.sleep(0.05)
    raise AssertionError("they live on")


def test_what_keeps_the_first_from_serving_is_raised_once() -> None:
    with started(refuses=True) as parent:
        out, _ = parent.communicate(timeout=20)
    assert out == "refused: It is damaged.\nended in order\n"


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_what_is_imported_before_the_fork_starts_no_thread(tmp_path: Path) -> None:
    code = """
import os
from importlib import import_module
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
from foretaste.serving.process.server import PRELOADED
for name in PRELOADED:
    import_module(name)
import foretaste.serving.process.worker
print(len(os.listdir("/proc/self/task")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "1\n", done.stderr
