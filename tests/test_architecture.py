"""The structure that docs/architecture.md describes is the structure that is there."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import grimp
import pytest

from foretaste.registry import models, raters

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "foretaste"
MOST_FILES = 16
"""Python files of a room, its __init__ included: about as many as one looks over at a glance."""
OTHER_MEANINGS = {
    "content": ("http", "routes", "client", "api", "nn", "guessing"),
    "popular": ("explain.py", "items_out.py"),
}
"""Names of models that are words of something else too, and where: a part of HTTP, a kind of reason."""


def _files() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def test_no_model_is_named_outside_its_family_and_the_registry() -> None:
    """What a model is stands beside it (ModelSpec): eleven tables elsewhere had drifted apart."""
    names = {*models(), *raters()}
    named = []
    for path in _files():
        place = path.relative_to(SRC)
        if place.parts[0] in ("models", "registry"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            value = node.value
            elsewhere = OTHER_MEANINGS.get(value, ())
            if value in names and not any(part in place.parts or place.name == part for part in elsewhere):
                named.append(f"{place}:{node.lineno} {value}")
            if value.startswith("foretaste.models."):
                named.append(f"{place}:{node.lineno} {value}")
    assert named == []


@pytest.mark.parametrize("for_types", [False, True])
def test_no_circle_of_files(for_types: bool) -> None:
    """for_types : imports that only the type checker follows count too"""
    graph = grimp.build_graph("foretaste", exclude_type_checking_imports=not for_types, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert _circles(imports) == []


def _circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan's strongly connected components, of two or more)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in sorted(imports[module]):
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in sorted(imports):
        if module not in number:
            visit(module)
    return found


def test_a_circle_is_found() -> None:
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_every_room_is_small_enough_to_look_over() -> None:
    of_folder = Counter(path.parent.relative_to(SRC) for path in _files())
    assert {str(folder): n for folder, n in of_folder.items() if n > MOST_FILES} == {}


def test_every_room_says_in_a_line_what_it_is_for() -> None:
    silent = []
    for path in SRC.rglob("__init__.py"):
        line = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        if not line:
            silent.append(str(path.relative_to(SRC)))
    assert silent == []


def test_every_room_has_a_line_in_the_docs() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.relative_to(SRC) for path in _files()} - {Path()}
    missing = [str(room) for room in sorted(rooms) if not re.search(rf"`(foretaste/)?{re.escape(str(room))}/`", text)]
    assert missing == []


def test_help_shows_the_public_surface_and_nothing_else() -> None:
    import foretaste

    shown = [name for name in dir(foretaste) if not name.startswith("_")]
    assert shown == sorted(name for name in foretaste.__all__ if not name.startswith("_"))


def test_commit_subjects_are_short() -> None:
    """From the commit on that wrote this test."""
    done = subprocess.run(
        ["git", "log", "--format=%s", "eb1ac87..HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this is no clone with its history")
    assert [subject for subject in done.stdout.splitlines() if len(subject) > 72] == []


def test_pages_wrap_at_120_characters() -> None:
    """Tables, code, addresses and generated parts may be longer."""
    long = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "reference").glob("*.md")]:
        in_code = generated = False
        text = page.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            in_code ^= line.lstrip().startswith("```")
            if line.startswith("<!-- "):
                generated = not line.startswith("<!-- /") and f"<!-- /{line[5:]}" in text
            if len(line) > 120 and not in_code and not generated and not line.startswith(("|", "!", "<")):
                long.append(f"{page.relative_to(ROOT)}:{number}")
    assert long == []
