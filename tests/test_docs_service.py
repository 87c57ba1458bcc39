"""docs/service.md tells the truth: its commands run against a real service, in order, and so does its Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from foretaste.serving.answering.engine import Engine
from foretaste.serving.config import ServiceConfig
from serving.conftest import running

PAGE = (Path(__file__).parents[1] / "docs" / "service.md").read_text()
ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands() -> list[str]:
    """Each curl of the page; a line that ends in a backslash or an open quote goes on."""
    found: list[str] = []
    for block in blocks("bash"):
        for line in block.splitlines():
            if line.startswith("curl "):
                found.append(line)
            else:
                found[-1] += "\n" + line
    return found


@pytest.fixture(scope="module")
def served(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("documented") / "shop"
    shutil.copytree(shop, folder)
    with Engine.of_project(folder) as engine, running(engine) as client:
        yield client


def test_every_curl_of_the_page_works(served: httpx.Client) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    asked = commands()
    assert len(asked) >= 18
    for command in asked:
        real = command.replace(ADDRESS, str(served.base_url).rstrip("/")).replace(
            "curl -s", "curl -sS --fail-with-body"
        )
        done = subprocess.run(["bash", "-c", real], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if "/metrics" not in command:
            assert "error" not in json.loads(done.stdout)


def test_every_address_of_the_service_is_on_the_page(served: httpx.Client) -> None:
    paths = served.get("/openapi.json").json()["paths"]
    forms = [re.sub(r"\{\w+\}", "[^/ ?']+", path) for path in paths if path not in ("/v1/users", "/v1/items")]
    missing = [form for form in forms if not re.search(form + r"(?![\w/])", PAGE)]
    assert missing == []


def test_the_python_of_the_page_runs(served: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks("python"):
        exec(block.replace(ADDRESS, str(served.base_url).rstrip("/")), {})
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_the_settings_of_the_page_are_settings() -> None:
    import tomllib

    for block in blocks("toml"):
        config = ServiceConfig.parse(tomllib.loads(block)["serve"], "docs/service.md")
        assert set(config.scenes) == {"listen_again", "basket"}


def test_the_defaults_of_the_page_are_the_defaults() -> None:
    from foretaste.api.limits import MAX_BATCH, MAX_DEPTH, MAX_EVENTS, MAX_N, MAX_TEXT
    from foretaste.serving.search.picture_index import MAX_PIXELS
    from foretaste.serving.settings import Limits

    limits = Limits()
    for said, is_so in [
        ("1 MiB", limits.body_bytes == 1 << 20),
        ("16 levels", MAX_DEPTH == 16),
        ("32 KiB, 10 s", limits.header_bytes == 32 << 10 and limits.header_seconds == 10),
        ("1,000 · 500 · 100 · 256 characters", (MAX_EVENTS, MAX_N, MAX_BATCH, MAX_TEXT) == (1000, 500, 100, 256)),
        ("1,000/s per worker", limits.requests_per_second == 1000),
        ("10/s per address", limits.refusals_per_second == 10),
        ("50 ms by the pace", limits.wait_seconds == 0.05 and limits.waiting == 8),
        ("20 ms while more is asked than can be done", limits.rush_seconds == 0.02),
        ("after 2 s", limits.answer_seconds == 2),
        ("8 MiB, 40 million pixels", limits.picture_bytes == 8 << 20 and MAX_PIXELS == 40_000_000),
    ]:
        assert said in PAGE
        assert is_so, said
