"""What makes a list a good one to look at: pages, variants, scenes, and people who have seen enough of something."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from foretaste.api import BatchIn, EventIn, GuestIn, ItemIn, LessIn, RankIn
from foretaste.errors import DataError
from foretaste.events.memory import MemoryStore
from foretaste.events.model import Past
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering.engine import Engine
from foretaste.serving.answering.feedback import feedback
from foretaste.serving.config import SceneConfig, ServiceConfig
from foretaste.serving.errors import GoneError
from foretaste.serving.http.app import create_app
from foretaste.serving.world.cursors import Cursor, checksums, read_cursor
from serving.conftest import film_events


def ids(answer: object) -> list[str]:
    return [item.id for item in answer.items]  # type: ignore[attr-defined]


def engine_with(bundle: Bundle, **settings: object) -> Engine:
    engine = Engine(bundle, MemoryStore(), ServiceConfig.model_validate(settings))
    engine.store.import_frame(film_events())
    return engine


def shown(engine: Engine, user: str, item: str, times: int, label: str = "s") -> None:
    engine.record([EventIn(id=f"{label}-{item}-{i}", user=user, item=item, type="shown") for i in range(times)])


# ---- pages


def test_pages_repeat_nothing_and_end(engine: Engine) -> None:
    pages, cursor = [], None
    for _ in range(20):
        page = engine.for_user("u4", 7, cursor=cursor)
        pages.append(ids(page))
        if (cursor := page.cursor) is None:
            break
    flat = [name for page in pages for name in page]
    assert len(flat) == len(set(flat)) == 50  # all but the ten films they rated
    assert flat == ids(engine.for_user("u4", 60))
    assert len(pages[-1]) < 7


def test_pages_repeat_nothing_whatever_happens_between_them(engine: Engine) -> None:
    first = engine.for_user("u4", 10)
    engine.record([EventIn(id="1", user="u4", item=first.items[0].id, kind="view")])
    engine.put_item("new", ItemIn(columns={"genres": ["Comedy"]}))
    second = engine.for_user("u4", 10, cursor=first.cursor)
    engine.put_item(ids(second)[0], ItemIn(columns={"genres": ["Comedy"]}))
    third = engine.for_user("u4", 10, cursor=second.cursor)
    flat = ids(first) + ids(second) + ids(third)
    assert len(set(flat)) == 30
    assert flat.count("new") == 1


def test_a_page_is_of_the_bundle_the_first_was_of(engine: Engine, bundle: Bundle) -> None:
    first = engine.for_user("u4", 5)
    for i in range(2):
        engine.use(replace(bundle, manifest=bundle.manifest.model_copy(update={"version": f"next{i}"})))
        if i == 0:
            assert engine.for_user("u4", 5, cursor=first.cursor).version == bundle.version
            assert engine.for_user("u4", 5).version == "next0"
    with pytest.raises(GoneError, match="begin again"):
        engine.for_user("u4", 5, cursor=first.cursor)


def test_a_guest_turns_pages_too(engine: Engine) -> None:
    body = {"history": [{"item": "f2"}], "n": 5}
    first = engine.for_guest(GuestIn.model_validate(body))
    second = engine.for_guest(GuestIn.model_validate({**body, "cursor": first.cursor}))
    assert not set(ids(first)) & set(ids(second))


def test_cursors_come_back_as_they_went_and_others_are_refused() -> None:
    cursor = Cursor("20261121-100000-3f9a1c", np.empty(0, np.uint32)).and_then(["a", "é"]).and_then(["b"])
    again = read_cursor(cursor.text())
    assert again.version == cursor.version
    np.testing.assert_array_equal(again.shown, checksums(["a", "é", "b"]))
    for wrong in ("AAAA", "x", "AQ", cursor.text()[:-3], "____"):
        with pytest.raises(DataError, match="cursor: it is not one that this service gave"):
            read_cursor(wrong)


def test_a_lost_page_is_410_over_http(client: TestClient) -> None:
    gone = Cursor("20200101-000000-gone", np.empty(0, np.uint32)).text()
    answer = client.get(f"/v1/users/u4/recommendations?cursor={gone}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "gone")
    assert client.get("/v1/users/u4/recommendations?cursor=no!").status_code == 422


# ---- variants


def test_a_list_has_one_variant_of_each_product(bundle: Bundle) -> None:
    engine = engine_with(bundle, group="year", new_share=0)
    plain = engine_with(bundle, new_share=0)
    answer = engine.for_user("u4", 8, explain=True)
    years = [item.columns["year"] for item in answer.items]
    assert len(set(years)) == len(years) == 8
    assert ids(answer)[0] == ids(plain.for_user("u4", 8))[0]  # the best of each stays
    best: dict[int, str] = {}
    for item in plain.for_user("u4", 60).items:
        best.setdefault(item.columns["year"], item.id)
    assert ids(answer) == list(best.values())[:8]
    assert all(item.reasons for item in answer.items)


# ---- fatigue


def test_what_was_shown_often_and_ignored_sinks(engine: Engine) -> None:
    before = ids(engine.for_user("u4", 10))
    shown(engine, "u4", before[0], 2)
    assert ids(engine.for_user("u4", 10)) == before
    shown(engine, "u4", before[0], 2, "again")
    after = ids(engine.for_user("u4", 10))
    assert before[0] not in after[:3]
    assert after[: len(before) - 1] == before[1:] or before[1] == after[0]
    assert ids(engine.for_user("u6", 10)) != []  # nobody else is touched
    engine.record([EventIn(id="click", user="u4", item=before[0], kind="view")])
    assert before[0] in ids(engine.for_user("u4", 10))  # whoever answers, is not tired of it


def test_being_shown_is_no_taste(engine: Engine) -> None:
    used = engine.for_user("u4", 5).events_used
    shown(engine, "u4", "f3", 5)
    assert engine.for_user("u4", 5).events_used == used
    assert engine.store.count("u4") == used + 5


def test_impressions_before_a_reaction_are_forgotten() -> None:
    day = 86_400_000_000
    past = Past(
        ["a", "a", "b", "a", "b", "c", "c"],
        ["shown", "view", "shown", "shown", "shown", "dislike", "shown"],
        [0, 1, 2, 14 * day, None, 14 * day, 14 * day],
        [1.0] * 7,
    )
    reactions = feedback(past)
    assert reactions.shown == [("b", 2), ("a", 14 * day), ("b", None), ("c", 14 * day)]
    assert reactions.disliked == ["c"]
    row = reactions.impressions(np.array([-1, 0, -1, 5], np.int32))
    assert row is not None
    assert row.items.tolist() == [0, 5]
    assert row.time is not None
    assert row.time.tolist() == [14 * day, 14 * day]
    assert reactions.impressions(np.full(4, -1, np.int32)) is None


# ---- less of this


def test_less_of_this_hides_it_and_sinks_what_is_like_it(engine: Engine) -> None:
    before = ids(engine.for_user("u4", 40))
    answer = engine.users.less("u4", LessIn(item=before[0]))
    assert answer.status == "accepted"
    after = ids(engine.for_user("u4", 40))
    assert before[0] not in after
    assert after != before[1:]
    alike = ids(engine.similar(before[0], 5))
    places = [(before.index(name), after.index(name)) for name in alike if name in before and name in after]
    assert sum(later for _, later in places) > sum(sooner for sooner, _ in places)
    assert engine.users.less("u4", LessIn(item="f2", id="w")).status == "accepted"
    assert engine.users.less("u4", LessIn(item="f2", id="w")).status == "duplicate"


def test_every_unwanted_item_stays_away_however_many_there_are(engine: Engine) -> None:
    for i in range(0, 60, 2):
        engine.users.less("bob", LessIn(item=f"f{i}"))
    assert {int(name[1:]) % 2 for name in ids(engine.for_user("bob", 60))} == {1}


# ---- scenes


def test_a_scene_decides_what_hides_an_item(bundle: Bundle) -> None:
    scenes = {
        "again": SceneConfig(hides=()),
        "fresh": SceneConfig(hides=("rating", "view")),
        "comedies": SceneConfig(filter={"genres": ["Comedy"]}),
    }
    engine = engine_with(bundle, scenes=scenes)
    rated = {past.item for past in engine.profile("u5", 99).history if past.kind == "rating"}
    viewed = {past.item for past in engine.profile("u5", 99).history if past.kind == "view"} - rated
    usual = set(ids(engine.for_user("u5", 60)))
    assert not rated & usual
    assert viewed <= usual
    assert rated <= set(ids(engine.for_user("u5", 60, scene="again")))
    fresh = set(ids(engine.for_user("u5", 60, scene="fresh")))
    assert not (rated | viewed) & fresh
    assert {i.columns["genres"][0] for i in engine.for_user("u5", 9, scene="comedies").items} == {"Comedy"}
    with pytest.raises(DataError, match=r"no scene is called 'agan'. Did you mean 'again'"):
        engine.for_user("u5", scene="agan")


# ---- several at once, and a list of one's own


def test_a_batch_is_the_single_answers(engine: Engine) -> None:
    users = ["u4", "u5", "nobody", "u4"]
    batch = engine.for_users(BatchIn(users=users, n=7)).answers
    assert [answer.user for answer in batch] == users
    for user, answer in zip(users, batch, strict=True):
        alone = engine.for_user(user, 7)
        assert [(i.id, i.score) for i in answer.items] == [(i.id, i.score) for i in alone.items]
    assert len({answer.recommendation_id for answer in batch}) == 4


def test_rank_orders_what_it_is_given_and_nothing_else(engine: Engine) -> None:
    rated = next(past.item for past in engine.profile("u4", 99).history if past.kind == "rating")
    given = ["f3", "f8", rated, "nope", "f8", "f12"]
    answer = engine.rank(RankIn(user="u4", items=given, explain=True))
    assert set(ids(answer)) == {"f3", "f8", rated, "f12"}
    assert answer.ignored == ["nope"]
    assert ids(answer)[-1] == "f3"  # of the other half
    assert ids(engine.rank(RankIn(items=given, history=[])))
    with pytest.raises(ValueError, match="not both"):
        RankIn(user="u4", history=[], items=["f2"])


def test_an_event_may_name_the_answer_it_came_of(client: TestClient, engine: Engine) -> None:
    answer = client.get("/v1/users/u4/recommendations?scene=").json()
    assert answer["error"]["code"] == "invalid"
    answer = client.get("/v1/users/u4/recommendations").json()
    event = {
        "id": "1",
        "user": "u4",
        "item": answer["items"][2]["id"],
        "kind": "view",
        "recommendation_id": answer["recommendation_id"],
        "position": 3,
    }
    assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
    (context,) = engine.store.frame(whole=True).filter(item=event["item"], user="u4")["context"].drop_nulls().to_list()
    assert json.loads(context) == {"position": 3, "recommendation_id": answer["recommendation_id"]}
    wrong = client.post("/v1/events", json={"events": [{**event, "id": "2", "recommendation_id": "x"}]}).json()
    assert wrong["results"][0]["status"] == "rejected"


def test_the_settings_of_a_project_are_read(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("project")
    (folder / "bundles").symlink_to(bundle.folder.parent)
    (folder / "foretaste.toml").write_text(
        'name = "films"\n[data]\nevents = "e.csv"\nuser = "u"\nitem = "i"\n'
        '[serve]\ngroup = "year"\n[serve.scenes.home]\nhides = ["rating"]\n'
    )
    with Engine.of_project(folder) as engine:
        assert engine.config.group == "year"
        assert engine.config.scenes["home"].hides == ("rating",)
        assert TestClient(create_app(engine), base_url="http://localhost").get("/readyz").json()["status"] == "ready"
