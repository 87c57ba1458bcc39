"""With nothing but the core installed every command works, or says in one sentence which extra it needs.

`pip install .` into a virtual environment of its own, once for all tests of this file; about a minute.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NO_NETWORK = ("NewConnectionError", "ConnectTimeout", "name resolution", "No matching distribution", "ProxyError")
"""What pip says where it cannot reach a package index."""
SMALL = "who,what,when\n" + "".join(f"u{u},i{(u + i * i) % 9},{1000 * u + i}\n" for u in range(30) for i in range(6))


@dataclass(frozen=True)
class Core:
    """An environment that has the core alone, and a folder with a project that was trained there."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    def run(self, *words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, *words],
            cwd=cwd or self.folder,
            env={**environment(), "FORETASTE_CACHE": str(self.folder / "cache"), **variables},
            capture_output=True,
            text=True,
            timeout=300,
        )

    def foretaste(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "foretaste", *words, **variables)


def environment() -> dict[str, str]:
    """Without what would let this process's own packages in."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def install(core: Core) -> None:
    venv.create(core.folder / "venv", with_pip=True)
    words = ["-m", "pip", "install", "--quiet", str(ROOT), "-c", str(ROOT / "constraints.txt")]
    done = subprocess.run(
        [core.python, *words], cwd=core.folder, env=environment(), capture_output=True, text=True, timeout=600
    )
    if done.returncode and not os.environ.get("CI") and any(sign in done.stderr for sign in NO_NETWORK):
        pytest.skip("no package index can be reached, so that the core cannot be installed by itself")
    assert done.returncode == 0, done.stderr


def train(core: Core) -> None:
    shutil.copytree(ROOT / "examples", core.folder / "examples", dirs_exist_ok=True)
    for words in (
        ("init", "examples/orders.csv", "--items", "examples/books.csv", "-p", "shop"),
        ("check", "-p", "shop", "--html", "check.html"),
        ("train", "-p", "shop"),
    ):
        done = core.foretaste(*words)
        assert done.returncode == 0, done.stderr
    (core.folder / "trained.txt").write_text(done.stdout)


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Core:
    """Made by whichever test process comes first; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "core-only"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        core = Core(folder)
        if not (folder / "trained.txt").exists():
            install(core)
            train(core)
    return core


def test_nothing_but_the_core_is_there(core: Core) -> None:
    listed = core.run("-m", "pip", "list", "--format=freeze").stdout.lower()
    assert "polars" in listed
    for package in ("torch", "fastapi", "prometheus", "httpx", "numba", "pandas", "optuna", "psycopg"):
        assert f"\n{package}" not in listed


def test_train_says_what_it_left_out(core: Core) -> None:
    said = " ".join((core.folder / "trained.txt").read_text().split())
    assert "extra 'torch'" not in said  # 3,590 events are too few for a network anyway
    assert "extra 'text' is not installed: content, bridge. Try: pip install 'foretaste[text]'." in said
    assert "is in use" in said


@pytest.mark.parametrize(
    "words",
    [
        "evaluate -p shop --model itemknn --html board.html --save run.json",
        "recommend --user K-00007 -n 3 -p shop",
        "similar --item 0347712782 -n 3 -p shop",
        "similar --item 0347712782 -n 3 -p shop --by behaviour",
        "similar --item 0347712782 -n 3 -p shop --by blend",
        "search lisbon -p shop",
        "onboarding -p shop",
        "models",
        "models ease",
        "benchmark",
        "sources",
        "doctor",
        "keys create shop -p shop",
        "keys list -p shop",
        "export --user K-00007 -p shop",
        "export events.parquet -p shop",
        "train -p shop --model ease --budget 1s",
        "up examples/orders.csv --no-serve -p up",
    ],
)
def test_it_works(core: Core, words: str) -> None:
    done = core.foretaste(*words.split())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("serve -p shop", "serve"),
        ("serve -p shop --otel", "serve"),
        ("up examples/orders.csv", "serve"),
        ("demo --serve", "serve"),
        ("similar --item 0347712782 -p shop --by text", "text"),
        ("train -p shop --model sasrec", "torch"),
        ("train -p shop --model content", "text"),
        ("train -p shop --model bpr", "cf"),
        ("train -p shop --device cuda", "torch"),
        ("evaluate -p shop --model slim", "cf"),
        ("models sasrec", "torch"),
        ("init postgres://localhost/shop -p postgres", "postgres"),
        ("similar --item i1 -p pictures --by picture", "image"),
        ("search --picture photo.jpg -p pictures", "image"),
    ],
)
def test_it_says_which_extra(core: Core, words: str, extra: str) -> None:
    if "-p pictures" in words:
        trained_on_pictures(core)
    done = core.foretaste(*words.split())
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert f"foretaste[{extra}]" in done.stderr or f"the server's extra '{extra}'" in done.stderr


def test_a_log_in_postgres_says_which_extra(core: Core) -> None:
    done = core.foretaste("recommend", "--user", "K-00007", "-p", "shop", FORETASTE_STORE="postgresql://localhost/x")
    assert done.returncode == 2
    assert "foretaste[postgres]" in done.stderr


def trained_on_pictures(core: Core) -> None:
    if (core.folder / "pictures" / "bundles").exists():
        return
    (core.folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (core.folder / "small.csv").write_text(SMALL)
    items = "".join(f"i{i},Item {i},{core.folder / 'photo.jpg'}\n" for i in range(9))
    (core.folder / "items.csv").write_text("item,title,image\n" + items)
    for words in ("init small.csv --items items.csv -p pictures", "train -p pictures --model ease"):
        done = core.foretaste(*words.split())
        assert done.returncode == 0, done.stderr


def test_python_works(core: Core) -> None:
    code = (
        "import foretaste\n"
        "data = foretaste.read('examples/orders.csv', items='examples/books.csv')\n"
        "pipeline = foretaste.Pipeline().fit(data, foretaste.Run(seed=0))\n"
        "print(foretaste.recommend(pipeline, data, n=3, users=['K-00007']))\n"
    )
    done = core.run("-c", code)
    assert done.returncode == 0, done.stderr
    assert "K-00007" in done.stdout


def test_every_model_says_which_extra(core: Core) -> None:
    code = (
        "import foretaste\n"
        "from foretaste.errors import MissingExtraError\n"
        "for name, spec in foretaste.all_models().items():\n"
        "    try: foretaste.model_class(name)\n"
        "    except MissingExtraError as error: assert f'foretaste[{spec.extra}]' in str(error), error\n"
    )
    done = core.run("-c", code)
    assert done.returncode == 0, done.stderr
