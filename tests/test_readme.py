"""What the README tells people to type works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    commands = [line for line in SHELL if line.startswith("foretaste ")]
    assert len(commands) >= 7
    for command in commands:
        if command.startswith("foretaste serve"):
            continue  # runs until it is stopped; tested as live_server
        words = command.split()[1:] + (["--no-serve"] if " up " in command else [])
        done = subprocess.run(
            [sys.executable, "-m", "foretaste", *words], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for block in blocks:
        done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "K-00007" in done.stdout


def test_the_curl_lines_of_the_readme_are_answered(live_server: str) -> None:
    text = "\n".join(SHELL).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("curl ")]
    assert len(lines) == 4
    for line in lines:
        address = re.search(r"localhost:8000(/[^\s']*)", line)[1].replace("0347712782", "i2")
        body = re.search(r"-d '(.*)'", line)
        request = urllib.request.Request(
            live_server + address,
            data=body and body[1].replace("0347712782", "i2").encode(),
            headers={"content-type": "application/json"} if body else {},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)


def test_generated_parts_are_there_and_models_are_current() -> None:
    from foretaste.registry import models

    for name, spec in models().items():
        assert f"| `{name}` | {spec.summary} |" in README, "run: make docs"
    assert re.search(r"<!-- leaderboard -->\n\| model \|", README), "run: make tables"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target
