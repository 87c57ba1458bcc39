"""Every block of code in README.md and docs/ runs: here, in the test of its page, or it says beside it why not."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>[^\n]+) -->\n)?^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
RUNNERS = {"sh", "bash", "console", "python", "toml"}
NO_CODE = {"text", "json"}
"""What is shown and not run."""
ELSEWHERE = {
    ("README.md", "sh"): "test_readme.py",
    ("README.md", "python"): "test_readme.py",
    ("docs/service.md", "bash"): "test_docs_service.py",
    ("docs/service.md", "python"): "test_docs_service.py",
    ("docs/cold-start.md", "python"): "test_docs_cold_start.py",
    ("docs/evaluation.md", "python"): "evaluation/test_docs_of_evaluation.py",
    ("docs/training.md", "python"): "training/test_docs_of_training.py",
    ("docs/training.md", "bash"): "training/test_distributed.py",
}
"""Pages whose blocks need more around them than a shop: a service, a second data set, a second process."""
INSTEAD = {
    "export --user ann@example.org": "export --user K-00034",
    "orders.csv --users": "orders.csv --items books.csv --users",
    "ann@example.org": "K-00007",
    "/backups/monday": "monday",
    "--budget 10m": "--budget 1s",
    "--chosen 50 --seen 172 --likes Drama": "--chosen 0347712782 --seen 0161973069 --likes Crime",
    "--likes Drama --likes War": "--likes Crime",
    "--model bridge --model ease": "--model tfidf --model ease",
}
"""Ids, folders and labels of the reader's own, and what would take minutes."""


@dataclass(frozen=True)
class Block:
    page: str
    language: str
    text: str
    why_not: str | None

    @property
    def shell(self) -> bool:
        return self.language in ("sh", "bash", "console")

    @property
    def here(self) -> bool:
        return self.why_not is None and self.language not in NO_CODE and (self.page, self.language) not in ELSEWHERE


def pages() -> list[Path]:
    written = [page for page in sorted((ROOT / "docs").rglob("*.md")) if "generated" not in page.parts]
    return [ROOT / "README.md", *written]


def blocks() -> list[Block]:
    return [
        Block(page.relative_to(ROOT).as_posix(), found["language"], found["text"], found["why"])
        for page in pages()
        for found in BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


ALL = blocks()


def of_pages(*languages: str) -> list[str]:
    return sorted({block.page for block in ALL if block.here and block.language in languages})


def test_every_block_runs_or_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert sum(page.read_text("utf-8").count("\n```") for page in pages()) == 2 * len(ALL)
    unknown = [f"{block.page}: {block.text[:60]!r}" for block in ALL if block.here and block.language not in RUNNERS]
    assert unknown == [], "name a language, or say <!-- not run: why --> above it"
    code = [block for block in ALL if block.language not in NO_CODE]
    left = [block for block in code if block.why_not is not None]
    with capsys.disabled():
        print(f"\n{len(code) - len(left)} of {len(code)} blocks of code in README.md and docs/ run")
        for block in left:
            print(f"  not run, {block.page}: {block.why_not}")


@pytest.mark.parametrize(("key", "test"), ELSEWHERE.items(), ids=str)
def test_what_runs_elsewhere_is_run_there(key: tuple[str, str], test: str) -> None:
    assert any((block.page, block.language) == key for block in ALL)
    assert Path(key[0]).name in (ROOT / "tests" / test).read_text(encoding="utf-8") or "distributed" in test


@pytest.fixture(scope="session")
def trained_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example files, and a project of them in shop/."""
    folder = tmp_path_factory.mktemp("docs-shop")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copyfile(ROOT / "examples" / "orders.csv", folder / "orders.csv")
    books = (ROOT / "examples" / "books.csv").read_text(encoding="utf-8")
    (folder / "books.csv").write_text(books.replace(";Crime", ";Crime|Suspense").replace(";Cooking", ";Cooking|Home"))
    (folder / "people.csv").write_text("Kundennummer,country\n" + "".join(f"K-{n:05},DE\n" for n in range(400)))
    for words in ("init orders.csv --items books.csv -p shop", "train -p shop --model ease --model itemknn"):
        run(f"foretaste {words}", folder)
    return folder


def run(command: str, folder: Path) -> None:
    words = [sys.executable, "-m", "foretaste", *shlex.split(command, comments=True)[1:]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.parametrize("page", of_pages("sh", "bash", "console"))
def test_the_commands_of_a_page_run(page: str, trained_shop: Path, tmp_path: Path) -> None:
    """In order, in a copy of the shop; with quick models where a page names none."""
    text = "\n".join(block.text for block in ALL if block.page == page and block.here and block.shell)
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop, folder)
    if " -p shop" in text and "init " in text:
        shutil.rmtree(folder / "shop")  # the page makes its own
    if not re.search(r"foretaste init (?!.* -p )", text):  # a command without -p is meant inside a project
        run("foretaste init orders.csv --items books.csv", folder)
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith(("#", "source ")):
            continue
        assert line.startswith("foretaste "), f"{page}: {line}: only commands of foretaste run here"
        if line.startswith("foretaste serve"):
            continue  # until it is stopped: tests/serving and live_server
        run(adapted(line), folder)


def adapted(line: str) -> str:
    for its, ours in INSTEAD.items():
        line = line.replace(its, ours)
    command, gap, comment = line.partition("#")
    if command.startswith("foretaste up"):
        command += " --no-serve"
    elif command.startswith(("foretaste train", "foretaste evaluate")) and "--model" not in command:
        command += " --model ease"
    return command + gap + comment


@pytest.mark.parametrize("page", of_pages("python"))
def test_the_python_of_a_page_runs(page: str, tmp_path: Path) -> None:
    """In order, in one namespace, in a process of its own: what it registers is gone afterwards."""
    code = "\n".join(block.text for block in ALL if block.page == page and block.here and block.language == "python")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "toml"], ids=lambda block: block.page)
def test_settings_of_a_page_are_settings(block: Block) -> None:
    from foretaste.data.config import ProjectConfig

    data = {"events": "orders.csv", "user": "user", "item": "item"}
    ProjectConfig.parse({"name": "shop", "data": data, **tomllib.loads(block.text)}, block.page)
