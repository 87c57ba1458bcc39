"""A bundle is whole or it is not there, and says which file is damaged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.dataset import Dataset
from foretaste.errors import BundleError
from foretaste.pipeline.bundle import (
    activate,
    bundle_versions,
    current_version,
    load_bundle,
    load_current,
    save_bundle,
)
from foretaste.pipeline.pipeline import Pipeline
from foretaste.types import Run


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline().fit(worlds.parity(), Run())


def test_round_trip(pipeline: Pipeline, tmp_path: Path) -> None:
    data = worlds.parity()
    version = save_bundle(tmp_path, pipeline, data, log_position=7)
    assert current_version(tmp_path) is None
    with pytest.raises(BundleError, match="foretaste train"):
        load_current(tmp_path)
    activate(tmp_path, version)
    bundle = load_current(tmp_path)
    assert bundle.version == version == current_version(tmp_path)
    assert bundle.manifest.log_position == 7
    assert bundle.items.titles() == data.items.titles()
    assert bundle.items.ids.names.to_list() == data.items.ids.names.to_list()
    queries = worlds.everyone(data)
    np.testing.assert_array_equal(bundle.pipeline.recommend(queries, 9).items, pipeline.recommend(queries, 9).items)
    assert "parity" not in (bundle.folder / "card.md").read_text()


def test_a_bundle_of_before_there_were_stages_opens_and_one_of_tomorrow_is_refused_by_name(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    data = worlds.parity()
    folder = tmp_path / save_bundle(tmp_path, pipeline, data)
    described = json.loads((folder / "pipeline" / "pipeline.json").read_text())
    del described["config"]["stages"]
    (folder / "pipeline" / "pipeline.json").write_text(json.dumps(described))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["config"]["stages"]
    changed = (folder / "pipeline" / "pipeline.json").read_bytes()
    manifest["files"]["pipeline/pipeline.json"] = sha256(changed).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 1}))
    old = load_bundle(folder).pipeline
    assert old.stages == {}
    queries = worlds.everyone(data)
    np.testing.assert_array_equal(old.recommend(queries, 9).items, pipeline.recommend(queries, 9).items)
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 3}))
    with pytest.raises(BundleError, match=r"has format 3, and foretaste .* reads formats 1 and 2; train it again"):
        load_bundle(folder)


def test_no_name_of_a_person_is_in_it(tmp_path: Path) -> None:
    people = pl.DataFrame(
        {"user": ["anna-of-the-hill", "bert-of-the-dale"] * 3, "item": ["thing-one", "thing-two"] * 3}
    )
    data = Dataset.from_frame(people)
    version = save_bundle(tmp_path, Pipeline().fit(data, Run()), data)
    files = [path for path in (tmp_path / version).rglob("*") if path.is_file()]
    content = (
        b"".join(path.read_bytes() for path in files)
        + pl.read_parquet(tmp_path / version / "items.parquet").write_csv().encode()
    )
    assert b"thing-one" in content
    assert not any(name in content for name in (b"anna-of", b"bert-of"))


def test_every_damaged_file_is_refused_by_name(pipeline: Pipeline, tmp_path: Path) -> None:
    version = save_bundle(tmp_path, pipeline, worlds.parity())
    files = [path for path in (tmp_path / version).rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert len(files) >= 8
    for path in files:
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        path.write_bytes(bytes(flipped))
        with pytest.raises(BundleError, match=str(path.relative_to(tmp_path / version))):
            load_bundle(tmp_path / version)
        with pytest.raises(BundleError, match="was changed"):
            activate(tmp_path, version)
        path.unlink()
        with pytest.raises(BundleError, match="is missing"):
            load_bundle(tmp_path / version)
        path.write_bytes(whole)
    (tmp_path / version / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match=r"manifest\.json is damaged"):
        load_bundle(tmp_path / version)


def test_rolling_back_is_activating_the_older_one(pipeline: Pipeline, tmp_path: Path) -> None:
    first, second = (save_bundle(tmp_path, pipeline, worlds.parity()) for _ in range(2))
    assert set(bundle_versions(tmp_path)) == {first, second}
    activate(tmp_path, second)
    activate(tmp_path, first)
    assert current_version(tmp_path) == first


def test_a_failed_save_leaves_nothing(pipeline: Pipeline, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("foretaste.pipeline.bundle.card", lambda manifest: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_bundle(tmp_path, pipeline, worlds.parity())
    assert list(tmp_path.iterdir()) == []


def test_every_file_and_folder_is_on_the_disk_before_the_bundle_has_its_name(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr("foretaste.pipeline.bundle._flush", flushed.append)
    folder = tmp_path / save_bundle(tmp_path, pipeline, worlds.parity())
    unfinished = flushed[-2]  # the last but one: after the folder itself comes the folder of all, with its new name
    there = {path.relative_to(folder) for path in [*folder.rglob("*"), folder]}
    assert {Path("manifest.json"), Path("pipeline/recalls/ease"), Path()} < there
    assert {path.relative_to(unfinished) for path in flushed[:-1]} == there


KILLED = """
import sys, pathlib
sys.path.insert(0, {tests!r})
import worlds
from foretaste.pipeline import bundle
from foretaste.pipeline.pipeline import Pipeline
from foretaste.types import Run
pipeline = Pipeline().fit(worlds.parity(), Run())
real = bundle._flush
def slowly(path):
    print("flushing", path.name, flush=True)
    sys.stdin.readline()
    real(path)
bundle._flush = slowly
bundle.save_bundle(pathlib.Path({folder!r}), pipeline, worlds.parity())
"""


@pytest.mark.parametrize("after", [1, 5])
def test_a_killed_train_leaves_no_half_bundle(pipeline: Pipeline, tmp_path: Path, after: int) -> None:
    tests = str(Path(__file__).parent.parent)
    code = KILLED.format(tests=tests, folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        for _ in range(after):
            assert child.stdout.readline().startswith("flushing")
            child.stdin.write("\n")
            child.stdin.flush()
        assert child.stdout.readline().startswith("flushing")
        os.kill(child.pid, signal.SIGKILL)
    assert bundle_versions(tmp_path) == []
    assert len(list(tmp_path.glob(".unfinished-*"))) == 1
    version = save_bundle(tmp_path, pipeline, worlds.parity())
    assert bundle_versions(tmp_path) == [version]
    assert list(tmp_path.glob(".unfinished-*")) == [], "the next save sweeps up"
