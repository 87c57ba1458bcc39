"""The server process: it listens, it stops on a signal, and its log contains no ids."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from foretaste.cli.app import app as cli
from foretaste.errors import ConfigError, UnknownNameError
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.process.server import listen
from foretaste.serving.process.threads import use_one_blas_thread
from foretaste.serving.settings import ServerConfig

SERVE = """
import signal, sys
from pathlib import Path
from shutil import copytree
from foretaste.serving.answering.engine import Engine
from foretaste.serving.process.server import run
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


def test_a_bundle_can_be_named_and_a_wrong_name_is_said(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "bundles").symlink_to(bundle.folder.parent)
    wrong = CliRunner().invoke(cli, ["serve", "-p", str(tmp_path), "--bundle", "nope"]).exception
    assert isinstance(wrong, UnknownNameError)
    assert f"Known: {bundle.version}" in str(wrong)


def test_beyond_this_machine_it_does_not_start_without_a_key(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "bundles").symlink_to(bundle.folder.parent)
    for workers in ("1", "2"):
        words = ["serve", "-p", str(tmp_path), "--host", "0.0.0.0", "--workers", workers]
        refused = CliRunner().invoke(cli, words).exception
        assert isinstance(refused, ConfigError)
        assert "foretaste keys create" in str(refused)


def test_a_damaged_bundle_stops_the_start_with_one_sentence(bundle: Bundle, tmp_path: Path) -> None:
    copytree(bundle.folder.parent, tmp_path / "bundles")
    items = tmp_path / "bundles" / bundle.version / "items.parquet"
    items.write_bytes(items.read_bytes()[:-1] + b"x")
    for workers in ("1", "2"):
        words = [sys.executable, "-m", "foretaste", "serve", "-p", str(tmp_path), "--port", "0", "--workers", workers]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert "items.parquet was changed; use another bundle." in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


def test_an_address_that_is_not_ours_is_said_in_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"Cannot listen on 192\.0\.2\.1 port 80"):
        listen(ServerConfig(host="192.0.2.1", port=80))


def test_linear_algebra_is_told_to_use_one_thread() -> None:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]  # type: ignore[index]
    if "scipy-openblas" not in blas:
        pytest.skip(f"this numpy uses {blas}")
    assert use_one_blas_thread() >= 1
