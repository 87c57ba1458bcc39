"""An item of which nothing but a text is known reaches those it is for, by meaning and not by words, untrained."""

from __future__ import annotations

import time
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest
from fastapi.testclient import TestClient

pytest.importorskip("sentence_transformers")

from foretaste.api import EventIn, ItemIn
from foretaste.data.dataset import Dataset
from foretaste.events.answer_log import AnswerLog
from foretaste.events.memory import MemoryStore
from foretaste.models.content.content import Content
from foretaste.pipeline.bundle import Bundle, activate, load_bundle, save_bundle
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.serving.answering.engine import Engine
from foretaste.serving.answering.replay import Replayer
from foretaste.serving.http.app import create_app
from foretaste.serving.world import encode_new_items as reading
from foretaste.types import Run

KITCHEN = ["a frying pan", "a soup ladle", "a bread knife", "an oven dish", "a whisk for cream", "a pepper mill"]
SEA = ["a sailing boat", "a diving mask", "a fishing rod", "a lighthouse lamp", "an anchor chain", "a swimming vest"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Twelve things and twelve people, of whom half cook and half sail."""
    folder = tmp_path_factory.mktemp("newcomers")
    titles = KITCHEN + SEA
    items = pl.DataFrame({"item": [f"i{i}" for i in range(12)], "title": titles, "photo": ["x.png"] * 12})
    log = [(f"u{u}", f"i{6 * (u % 2) + (u + j) % 6}", "view") for u in range(12) for j in range(3)]
    data = Dataset.from_frame(pl.DataFrame(log, ["user", "item", "kind"], orient="row"), items)
    recalls = (RecallConfig(model="content"), RecallConfig(model="itemknn"))
    pipeline = Pipeline(PipelineConfig(recalls=recalls)).fit(data, Run())
    return load_bundle(folder / "bundles" / save_bundle(folder / "bundles", pipeline, data))


@pytest.fixture
def engine(bundle: Bundle) -> Engine:
    engine = Engine(bundle, MemoryStore())
    done = [("cook", f"i{i}", "view") for i in (0, 1, 2)] + [("sailor", f"i{i}", "view") for i in (6, 7)]
    engine.store.import_frame(pl.DataFrame(done, ["user", "item", "kind"], orient="row"))
    return engine


def content_of(engine: Engine) -> Content:
    """As it is asked now."""
    recalls = engine.world.pipeline().recalls
    assert recalls is not None
    content = recalls["content"]
    assert isinstance(content, Content)
    return content


def place(engine: Engine, user: str, item: str, n: int = 10) -> int | None:
    ids = [one.id for one in engine.for_user(user, n).items]
    return ids.index(item) if item in ids else None


def test_by_meaning_without_a_word_in_common(engine: Engine) -> None:
    engine.put_item("wok", ItemIn(columns={"title": "stir-fry saucepan"}))
    engine.put_item("raft", ItemIn(columns={"title": "inflatable kayak with paddles"}))
    assert engine.world.read == 0
    assert engine.worlds.read() == 2
    assert engine.worlds.read() == 0
    lists = {user: engine.for_user(user, 10) for user in ("cook", "sailor")}
    first_new = {user: next(i.id for i in made.items if "new" in i.sources) for user, made in lists.items()}
    assert first_new == {"cook": "wok", "sailor": "raft"}


def test_read_as_the_training_would_have_read_it(engine: Engine, bundle: Bundle) -> None:
    """The same text has the same vector, whether it came with the training or a moment ago; pictures are not opened."""
    engine.put_item("again", ItemIn(columns={"title": SEA[2], "photo": "/etc/passwd.png"}))
    engine.worlds.read()
    vectors = content_of(engine).vectors
    assert vectors is not None
    assert float(vectors[12] @ vectors[bundle.items.ids.codes(pl.Series(["i8"]))[0]]) > 0.999


def test_what_is_changed_is_read_again_and_what_is_gone_is_not_offered(engine: Engine) -> None:
    engine.put_item("thing", ItemIn(columns={"title": "inflatable kayak with paddles"}))
    engine.worlds.read()
    engine.put_item("thing", ItemIn(columns={"title": "stir-fry saucepan"}))
    old, new = (engine.world.new[place].columns["title"] for place in (0, 1))
    assert (old, new) == ("inflatable kayak with paddles", "stir-fry saucepan")
    assert engine.world.codes(["thing"]).tolist() == [13], "the vector of the code it had is of another text"
    assert [record.name for record in engine.world.unread()] == ["thing"]
    engine.worlds.read()
    assert engine.world.read == 2
    engine.put_item("thing", ItemIn(columns={"title": "stir-fry saucepan"}, hidden=True))
    assert place(engine, "cook", "thing") is None
    assert engine.world.unread() == []


def test_an_item_that_says_nothing_is_no_trouble(engine: Engine) -> None:
    engine.put_item("blank", ItemIn(columns={}))
    engine.put_item("odd", ItemIn(columns={"title": ["a", "list"], "photo": 5, "price": 3.5}))
    assert engine.worlds.read() == 2
    assert engine.worlds.read() == 0
    assert len(engine.for_user("cook", 14).items) > 0


def test_within_a_second_found_and_offered_over_http(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """As people would meet it: put, searched for, and in the list of whom it is for."""
    monkeypatch.setattr("foretaste.serving.world.manager.WARM_SECONDS", 0.0)
    engine = Engine(bundle, MemoryStore())
    with TestClient(create_app(engine), base_url="http://127.0.0.1:8000") as client:
        history = [{"item": f"i{i}"} for i in (6, 7, 8)]
        client.get("/v1/search?q=boat")
        reading.warm(bundle.pipeline, ["content"])
        client.put("/v1/items/raft", json={"columns": {"title": "inflatable kayak with paddles"}}).raise_for_status()
        put = time.monotonic()
        while not engine.world.read:
            assert time.monotonic() - put < 20, "it was never read"
            time.sleep(0.02)
        made = client.post("/v1/recommendations", json={"history": history, "n": 10}).json()
        assert "raft" in [item["id"] for item in made["items"]]
        assert client.get("/v1/search?q=kayak").json()["items"][0]["id"] == "raft"


def test_a_worker_that_starts_later_gives_the_same_lists(engine: Engine, bundle: Bundle) -> None:
    """Codes follow the changes, whoever gives them, and however often items were changed in between."""
    titles = ["stir-fry saucepan", "inflatable kayak with paddles", "a tea kettle", "a rowing boat"]
    for i in range(100):
        engine.put_item(f"new{i % 5}", ItemIn(columns={"title": titles[i % 4]}, hidden=i == 97))
        if i % 30 == 0:
            engine.worlds.read()
    engine.record([EventIn(id="1", user="cook", item="new0", kind="view")])
    assert len(engine.world.new) < 100, "codes that nobody uses are given up"
    while engine.worlds.read():
        pass
    later = Engine(bundle, engine.store)
    assert later.world.read == 0
    while later.worlds.read():
        pass
    assert list(later.world.new_code) == list(engine.world.new_code)
    for user in ("cook", "sailor", "nobody"):
        lists = [one.for_user(user, 14, explain=True).items for one in (engine, later)]
        assert [item.model_dump() for item in lists[0]] == [item.model_dump() for item in lists[1]]


def test_past_answers_are_given_again_by_what_had_been_read_then(bundle: Bundle, tmp_path: Path) -> None:
    copytree(bundle.folder.parent, tmp_path / "bundles")
    activate(tmp_path / "bundles", bundle.version)
    given = []
    with Engine.of_project(tmp_path) as engine:
        recorder = engine.keep_answers(AnswerLog(tmp_path))
        done = [("cook", f"i{i}", "view") for i in (0, 1, 2)] + [("sailor", f"i{i}", "view") for i in (6, 7)]
        engine.store.import_frame(pl.DataFrame(done, ["user", "item", "kind"], orient="row"))
        for step, title in enumerate(("stir-fry saucepan", "inflatable kayak with paddles", "a tea kettle")):
            for name in ("one", f"new{step}"):
                engine.put_item(name, ItemIn(columns={"title": title}))
                engine.record([EventIn(id=f"{step}-{name}", user="cook", item=name, kind="view")])
                given += [engine.for_user(user, 10, explain=True) for user in ("cook", "sailor")]
                engine.worlds.read()
                given += [engine.for_user(user, 10, explain=True) for user in ("cook", "sailor")]
        recorder.flush()
    with Replayer.of_project(tmp_path) as replayer:
        for answer in given:
            found = replayer.replay(answer.recommendation_id)
            assert found.same, found.why
