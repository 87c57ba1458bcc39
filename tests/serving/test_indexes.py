"""A network over a large catalogue asks an index: the same lists, the index built once and lying beside the bundles."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

pytest.importorskip("faiss")
pytest.importorskip("torch")

import worlds
from foretaste.api import EventIn, GuestIn
from foretaste.events.memory import MemoryStore
from foretaste.index.int8_prefilter import Int8Prefilter
from foretaste.pipeline.bundle import Bundle, activate, load_bundle, save_bundle
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.serving.answering.engine import Engine
from foretaste.serving.answering.replay import Replayer
from foretaste.serving.config import ServiceConfig
from foretaste.serving.world import indexes as nearest
from foretaste.serving.world.indexes import FOLDER, Indexed, wants_index, with_indexes
from foretaste.types import Run

TRAINING = {"epochs": 1, "least_steps": 1}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("large")
    data = worlds.parity(n_users=60, n_items=40)
    recalls = (RecallConfig(model="sasrec", settings={"training": TRAINING}), RecallConfig(model="itemknn"))
    pipeline = Pipeline(PipelineConfig(recalls=recalls)).fit(data, Run())
    version = save_bundle(folder / "bundles", pipeline, data)
    activate(folder / "bundles", version)
    return load_bundle(folder / "bundles" / version)


@pytest.fixture
def bundle(trained: Bundle, tmp_path: Path) -> Bundle:
    bundles = tmp_path / "bundles"
    shutil.copytree(trained.folder.parent, bundles)
    return load_bundle(bundles / trained.version)


def asked(bundle: Bundle) -> list[tuple[str, float]]:
    answer = Engine(bundle, MemoryStore()).for_guest(
        GuestIn.model_validate({"history": [{"item": f"i{i}"} for i in (0, 2, 4)], "n": 20, "explain": True})
    )
    return [(item.id, item.score) for item in answer.items]


def test_the_lists_are_those_of_looking_at_everything(bundle: Bundle) -> None:
    assert wants_index(bundle, 40) == ["sasrec"]
    assert wants_index(bundle, 41) == []
    assert with_indexes(bundle, 40) is bundle, "none is there, and none was asked to be built"
    indexed = with_indexes(bundle, 40, build=True)
    assert isinstance((indexed.pipeline.recalls or {})["sasrec"], Indexed)
    assert not isinstance((indexed.pipeline.recalls or {})["itemknn"], Indexed)
    assert asked(indexed) == asked(bundle)


def test_a_shortlist_finds_what_looking_at_everything_finds(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "SHORTLIST_ABOVE", 40)
    short = with_indexes(bundle, 41, anyhow=True)
    model = (short.pipeline.recalls or {})["sasrec"]
    assert isinstance(model, Indexed)
    assert isinstance(model.index, Int8Prefilter)
    assert asked(short) == [(item, pytest.approx(score, rel=1e-5)) for item, score in asked(bundle)]
    monkeypatch.setattr(nearest, "SHORTLIST_ABOVE", 41)
    assert with_indexes(bundle, 41, anyhow=True) is bundle


def test_an_answer_found_by_a_shortlist_can_be_given_again(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "SHORTLIST_ABOVE", 40)
    monkeypatch.setattr(Int8Prefilter, "if_faster", Int8Prefilter)
    folder = bundle.folder.parent.parent
    with Engine.of_project(folder) as engine:
        engine.start()
        assert engine.world.indexed
        engine.record([EventIn(id=f"e{i}", user=f"p{i % 5}", item=f"i{i}") for i in range(20)])
        given = [engine.for_user(f"p{i}", 20) for i in range(5)]
    with Replayer.of_project(folder) as replayer:
        for answer in given:
            again = replayer.replay(answer.recommendation_id)
            assert again.same, again.why
            assert again.record.inputs["indexed"]


def test_it_is_built_once_and_a_damaged_one_is_built_again(bundle: Bundle) -> None:
    with_indexes(bundle, 40, build=True)
    file = bundle.folder.parent / FOLDER / bundle.version / "sasrec" / "index.faiss"
    written = file.stat().st_mtime_ns
    loaded = with_indexes(bundle, 40)
    assert loaded is not bundle
    assert file.stat().st_mtime_ns == written
    assert asked(loaded) == asked(bundle)
    file.write_bytes(b"nothing")
    assert with_indexes(bundle, 40) is bundle
    assert with_indexes(bundle, 40, build=True) is not bundle


def test_a_service_answers_at_once_and_goes_over_to_the_index_when_there_is_one(bundle: Bundle) -> None:
    engine = Engine(None, MemoryStore(), ServiceConfig(approximate_above=40), bundles=bundle.folder.parent)
    engine.worlds.load_current()
    first = engine.for_guest(GuestIn())
    assert len(first.items) == 10
    for _ in range(200):
        if engine.world.indexed:
            break
        time.sleep(0.05)
    assert engine.world.indexed
    assert engine.version == first.version
    engine.stop()
