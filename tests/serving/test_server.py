"""The server as a process: it listens, it stops when told to, and its log names nobody."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from foretaste.errors import ConfigError
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.server import listen
from foretaste.serving.settings import ServerConfig
from foretaste.serving.threads import use_one_blas_thread

SERVE = """
import signal, sys
from pathlib import Path
from foretaste.serving.engine import Engine
from foretaste.serving.server import run
signal.signal(signal.SIGINT, signal.default_int_handler)
with Engine.of_project(Path(sys.argv[1])) as engine:
    run(engine, port=int(sys.argv[2]))
print("closed in order")
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def wait_for(address: str) -> None:
    for _ in range(200):
        try:
            httpx.get(address)
        except httpx.ConnectError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"Nothing answers at {address}.")


def test_it_serves_until_ctrl_c_and_logs_no_ids(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "bundles").symlink_to(bundle.folder.parent)
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/readyz")
        answer = httpx.get(f"{address}/v1/users/very-secret/recommendations")
        server.send_signal(signal.SIGINT)
        out, log = server.communicate(timeout=20)
    assert answer.status_code == 200
    assert "server" not in answer.headers
    assert (server.returncode, out) == (0, "closed in order\n")
    assert "GET /v1/users/{user}/recommendations 200" in log
    assert "very-secret" not in log
    assert "Traceback" not in log


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as error:
            listen(ServerConfig(port=port))
    assert str(error.value) == (
        f"Cannot listen on 127.0.0.1 port {port} (Address already in use); choose another with --host or --port."
    )


def test_an_address_that_is_not_ours_is_said_in_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"Cannot listen on 192\.0\.2\.1 port 80"):
        listen(ServerConfig(host="192.0.2.1", port=80))


def test_linear_algebra_is_told_to_use_one_thread() -> None:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]  # type: ignore[index]
    if "scipy-openblas" not in blas:
        pytest.skip(f"this numpy uses {blas}")
    assert use_one_blas_thread() >= 1
