"""A model, a ranker and a stage of another package are used like built-in ones, without a line changed here."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parent.parent
SETTINGS = """
[serve]
answers_kept = 0

[[serve.stages]]
stage = "rank"
settings = { ranker = "source_weights" }

[[serve.stages]]
stage = "boost"
settings = { column = "Genre", value = "Crime", factor = 1.5 }
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that has the package too: really installed, with its entry points."""
    target = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "examples" / "toy_parts", target / "source")
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(target)]
    done = subprocess.run(
        [sys.executable, *command, str(target / "source")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT / "src")])}


@pytest.fixture(scope="module")
def shop(installed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy") / "shop"
    examples = ROOT / "examples"
    _foretaste(
        installed, "init", str(examples / "orders.csv"), "--items", str(examples / "books.csv"), "-p", str(folder)
    )
    with (folder / "foretaste.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    return folder


def _foretaste(env: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "foretaste", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def test_they_are_listed_and_their_settings_are_described(installed: dict[str, str]) -> None:
    listed = json.loads(_foretaste(installed, "models", "--json"))
    by_kind = {kind: {row["name"]: row for row in rows} for kind, rows in listed.items()}
    assert by_kind["models"]["latest"]["wants"] == ["times"]
    assert by_kind["rankers"]["source_weights"]["summary"].startswith("adds up the sources")
    assert "boost" in by_kind["stages"]
    for name, setting in {"boost": "factor", "source_weights": "ridge"}.items():
        assert setting in json.loads(_foretaste(installed, "models", name, "--json"))["settings"]["properties"]


def test_check_judges_it(installed: dict[str, str], shop: Path) -> None:
    report = json.loads(_foretaste(installed, "check", "-p", str(shop), "--json"))
    (fit,) = (model for model in report["models"] if model["name"] == "latest")
    assert fit["fits"]


def test_train_tries_it_and_the_bundle_and_rest_have_the_stages(installed: dict[str, str], shop: Path) -> None:
    trained = json.loads(_foretaste(installed, "train", "-p", str(shop), "--json"))
    rows = {row["model"]: row for row in trained["leaderboard"]["rows"]}
    assert {"latest", "as served"} <= set(rows)
    assert [stage["stage"] for stage in trained["config"]["stages"]][:2] == ["rank", "boost"]
    bundle = shop / "bundles" / trained["version"]
    assert (bundle / "pipeline" / "stages" / "rank" / "ranker" / "arrays.safetensors").is_file()
    assert (bundle / "pipeline" / "stages" / "boost").is_dir()
    assert "`boost`" in (bundle / "card.md").read_text(encoding="utf-8")
    answer = _asked(installed, shop, "/v1/users/K-00007/recommendations?n=5&explain=true")
    assert [step["stage"] for step in answer["trace"] if step["stage"] in ("rank", "boost")] == ["rank", "boost"]
    assert not answer["degraded"]


LATEST_ALONE = """
import sys
from pathlib import Path
from foretaste import Pipeline, PipelineConfig, RecallConfig, Run
from foretaste.data.project.guess import load_dataset
from foretaste.pipeline.bundle import activate, save_bundle
from foretaste.project import Project
project = Project.open(Path(sys.argv[1]))
data, _ = load_dataset(project.config, project.folder)
pipeline = Pipeline(PipelineConfig(recalls=(RecallConfig(model="latest"),))).fit(data, Run(seed=0))
activate(project.bundles, save_bundle(project.bundles, pipeline, data))
"""


def test_rest_names_the_model_where_it_found_an_item(installed: dict[str, str], shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    settings = (folder / "foretaste.toml").read_text(encoding="utf-8").replace(SETTINGS, "")
    (folder / "foretaste.toml").write_text(settings, encoding="utf-8")
    command = [sys.executable, "-c", LATEST_ALONE, str(folder)]
    subprocess.run(command, env=installed, cwd=ROOT, capture_output=True, text=True, check=True)
    answer = _asked(installed, folder, "/v1/users/K-00007/recommendations?n=5")
    assert all(item["sources"]["latest"]["rank"] for item in answer["items"])


def _asked(env: dict[str, str], folder: Path, path: str) -> Any:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "foretaste", "serve", "-p", str(folder), "--port", str(port), "--quiet"]
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10)
                if answer.status_code == 200 and not answer.json()["degraded"]:
                    return answer.json()
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"no answer: {answer.text}")
    finally:
        server.terminate()
        server.wait(30)


def test_the_generated_docs_have_a_line_for_it(installed: dict[str, str]) -> None:
    code = "import sys; sys.path.insert(0, 'docs'); import generate; print(generate.models_table())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=installed, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "| `latest` | what was taken last, by anybody |" in done.stdout


BROKEN = {
    "fails on import": ("", "a_module_that_is_not_there:X", "fails to import"),
    "is a text": ("THING = 'hello'", "broken_parts:THING", "is str, not ModelSpec"),
    "is none": ("THING = None", "broken_parts:THING", "is NoneType, not ModelSpec"),
    "is the spec of another kind": (
        "from foretaste.registry import PartSpec\nTHING = PartSpec('a:B', 'x')",
        "broken_parts:THING",
        "is PartSpec, not ModelSpec",
    ),
    "is a class that lacks everything": ("class Thing: pass", "broken_parts:Thing", "has no config_class"),
    "exits": ("raise SystemExit('bye')", "broken_parts:THING", "fails to import: bye"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_package_is_named_and_hurts_nobody(kind: str, shop: Path, tmp_path: Path) -> None:
    code, value, why = BROKEN[kind]
    info = tmp_path / "broken_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[foretaste.models]\nbroken = {value}\n")
    (tmp_path / "broken_parts.py").write_text(code)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])}
    listed = json.loads(_foretaste(env, "models", "--json"))
    (row,) = (row for row in listed["models"] if row["name"] == "broken")
    assert why in row["summary"]
    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    settings = (folder / "foretaste.toml").read_text(encoding="utf-8").replace(SETTINGS, "")
    (folder / "foretaste.toml").write_text(settings, encoding="utf-8")
    report = json.loads(_foretaste(env, "check", "-p", str(folder), "--json"))
    (fit,) = (model for model in report["models"] if model["name"] == "broken")
    assert not fit["fits"]
    assert why in fit["reason"]
