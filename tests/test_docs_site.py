"""The site of `make docs`: it builds, reads nothing from elsewhere, and has every public name and every model."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import foretaste
from foretaste.registry import models

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the extra 'docs' is not installed")
    folder = tmp_path_factory.mktemp("site")
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    for command in ([sys.executable, "docs/reference_pages.py"], mkdocs):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page.read_text(encoding="utf-8"))
        assert [tag for tag in tags if re.search(r"(?:src|href)=\"(?:https?:)?//", tag)] == [], page.name


def test_every_public_name_and_every_model_is_there(site: Path) -> None:
    names = (site / "reference" / "foretaste.html").read_text(encoding="utf-8")
    for name in foretaste.__all__:
        assert name == "__version__" or re.search(rf">\s*{name}\s*<", names), name
    listed = (site / "reference" / "generated" / "models.html").read_text(encoding="utf-8")
    for name in models():
        assert f'id="{name}"' in listed, name


def test_the_reference_pages_follow_the_code(site: Path) -> None:
    folder = site / "reference" / "generated"
    assert "/v1/users/{user}/recommendations" in re.sub("<[^>]+>", "", (folder / "rest.html").read_text("utf-8"))
    assert "fatigue_after" in (folder / "settings.html").read_text(encoding="utf-8")
