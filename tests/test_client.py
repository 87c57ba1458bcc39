"""The Python client: typed results, errors with the service's message, retries that never count twice."""

from __future__ import annotations

import asyncio
import base64
import inspect
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from foretaste.api import EventIn
from foretaste.client import AsyncClient, Client, ServiceError, retrying
from foretaste.client.calls import kind_of
from foretaste.errors import DataError
from foretaste.events.memory import MemoryStore
from foretaste.pipeline.bundle import Bundle
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app
from serving.conftest import bundle, film_events, running

__all__ = ["bundle"]

PICTURE = base64.b64decode(
    "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="  # one white pixel
)


def test_a_picture_is_sent_as_what_it_is() -> None:
    starts = {b"\x89PNG": "png", b"GIF89a": "gif", b"RIFF\0\0\0\0WEBP": "webp", b"\xff\xd8\xff": "jpeg"}
    assert {start: kind_of(start) for start in starts} == {s: f"image/{kind}" for s, kind in starts.items()}


def test_an_address_without_a_scheme_is_http_and_an_id_that_is_no_text_is_said(engine: Engine) -> None:
    with running(engine) as served, Client(f"{served.base_url.host}:{served.base_url.port}/") as shop:
        assert shop.ready().status == "ready"
        with pytest.raises(DataError, match=r"^An id must be a string, not 1; write '1'\.$"):
            shop.recommend(1)  # type: ignore[arg-type]


@pytest.fixture
def engine(bundle: Bundle) -> Engine:
    engine = Engine(bundle, MemoryStore())
    engine.store.import_frame(film_events())
    return engine


@pytest.fixture
def shop(engine: Engine) -> Iterator[Client]:
    with running(engine) as served, Client(str(served.base_url)) as client:
        yield client


def test_one_event_may_be_recorded_as_it_is(shop: Client) -> None:
    assert [result.status for result in shop.record({"id": "e", "user": "ann", "item": "f6"})] == ["accepted"]
    assert [result.status for result in shop.record(EventIn(id="e", user="ann", item="f6"))] == ["duplicate"]


def test_a_shops_day(shop: Client) -> None:
    assert shop.ready().status == "ready"
    results = shop.record([{"user": "ann", "item": "f2", "kind": "view"}, EventIn(id="e", user="ann", item="f4")])
    assert [result.status for result in results] == ["accepted", "accepted"]
    answer = shop.recommend("ann", 5, explain=True)
    assert answer.user == "ann"
    assert len(answer.items) == 5
    assert answer.items[0].reasons
    assert shop.recommend("ann", 60, filter={"genres": ["Drama"]}).items[0].columns["genres"] == ["Drama", "Odd"]
    pages = [[item.id for item in page.items] for page in shop.pages("ann", 25)]
    assert len({item for page in pages for item in page}) == sum(map(len, pages)) >= 58
    assert shop.recommend_guest([{"item": "f2"}], 3, exclude=["f4"]).user is None
    asked = shop.onboarding(4, 2)
    assert len(asked.items) == 4
    assert asked.column == "genres"
    first, second, *_ = (item.id for item in asked.items)
    then = shop.onboarding(4, 2, chosen=[first], seen=[second, "nope"], likes=asked.labels[:1])
    assert not {first, second} & {item.id for item in then.items}
    assert then.ignored == ["nope"]
    assert not set(asked.labels[:1]) & set(then.labels)
    liked = shop.recommend_guest(likes=["Drama"], n=3, explain=True).items[0]
    assert liked.reasons is not None
    assert liked.reasons[0].text == "Because you like Drama"
    with pytest.raises(ServiceError, match=r"No item has the label 'Dramma'\. Did you mean 'Drama'\?"):
        shop.recommend_guest(likes=["Dramma"])
    assert [one.user for one in shop.recommend_batch(["ann", "bob"], 3)] == ["ann", "bob"]
    assert shop.rank(["f6", "f3"], user="u4").items[0].id == "f6"
    assert shop.similar("f2", 3).item.id == "f2"
    assert shop.similar("f2", 3, by="behaviour").by == ["behaviour"]
    found = shop.search("commedy", 3, user="ann", filter={"genres": ["Comedy"]}, remember=True)
    assert found.corrected == "comedy"
    assert len(found.items) == 3
    assert not found.remembered, "this shop does not keep searches"
    with pytest.raises(ServiceError, match="no column of pictures"):
        shop.search_picture(PICTURE)
    assert shop.put_item("n/1", {"title": "New"}).title == "New"
    assert shop.item("n/1").id == "n/1"
    assert shop.delete_item("n/1")
    assert not shop.delete_item("n/1")
    assert len(shop.items(3)) == 3
    assert shop.put_user("ann", {"country": "DE"}).columns == shop.user("ann").columns
    assert shop.profile("ann").events == 2
    assert shop.less("ann", "f8").status == "accepted"
    assert len(shop.export("ann").events) == 3
    assert shop.forget("ann", "f8") == 1
    assert shop.reset("ann") == 2
    assert sum(shop.erase_user("ann").found.values()) >= 1
    version = shop.models().active
    assert shop.activate(version).active == version


def test_the_same_for_those_who_await(engine: Engine) -> None:
    app = create_app(engine)

    async def day() -> None:
        async with AsyncClient("http://127.0.0.1:8000", transport=httpx.ASGITransport(app)) as shop:
            assert (await shop.record([{"user": "ann", "item": "f2"}]))[0].status == "accepted"
            many = await asyncio.gather(*(shop.recommend(f"u{i}", 3) for i in range(8)))
            assert [answer.user for answer in many] == [f"u{i}" for i in range(8)]
            seen = [item.id async for page in shop.pages("ann", 25) for item in page.items]
            assert len(seen) == len(set(seen))
            with pytest.raises(ServiceError, match="No item is called 'nope'"):
                await shop.item("nope")

    asyncio.run(day())


def test_both_clients_can_do_the_same() -> None:
    def public(of: type) -> dict[str, list[str]]:
        members = inspect.getmembers(of, inspect.isfunction)
        return {name: list(inspect.signature(it).parameters) for name, it in members if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


def test_errors_are_the_services_own_words(shop: Client) -> None:
    with pytest.raises(ServiceError, match="No item is called 'nope'") as caught:
        shop.item("nope")
    assert (caught.value.status, caught.value.code) == (404, "not_found")
    with pytest.raises(ServiceError, match="n: Input should be less than") as caught:
        shop.recommend("ann", 501)
    assert caught.value.status == 422


class Flaky:
    """Fails as often as it is told, then passes the request on; counts what came."""

    def __init__(self, answers: list[httpx.Response | Exception]) -> None:
        self.answers = answers
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


BUSY = {"error": {"code": "overloaded", "message": "The service is overloaded."}}
DONE = {"accepted": 1, "results": [{"id": "x", "status": "accepted"}]}


def test_what_may_help_is_tried_again_with_the_same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("foretaste.client.sync_client.time.sleep", slept.append)
    flaky = Flaky(
        [
            httpx.ConnectError("refused"),
            httpx.Response(503, json=BUSY, headers={"Retry-After": "3"}),
            httpx.ReadTimeout("late"),
            httpx.Response(200, json=DONE),
        ]
    )
    with Client(transport=httpx.MockTransport(flaky)) as shop:
        assert shop.record([{"user": "ann", "item": "50"}])[0].status == "accepted"
    assert len(flaky.bodies) == 4
    assert len(set(flaky.bodies)) == 1  # byte for byte, the id too
    assert slept[1] == 3
    assert 0 < slept[0] < slept[2] < 1


def test_what_cannot_help_is_not_tried_again_and_giving_up_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.0)
    flaky = Flaky([httpx.Response(401, json={"error": {"code": "unauthorized", "message": "This needs an API key."}})])
    with Client(transport=httpx.MockTransport(flaky)) as shop, pytest.raises(ServiceError, match="needs an API key"):
        shop.models()
    away = Flaky([httpx.ConnectError("refused")] * 3)
    refused = pytest.raises(ServiceError, match=r"There is no response from http://127\.0\.0\.1:8000")
    with Client(transport=httpx.MockTransport(away), retries=2) as shop, refused as caught:
        shop.models()
    assert caught.value.code == "unreachable"
    assert away.answers == []
    other = Flaky([httpx.Response(200, json={"hello": 1})])
    with Client(transport=httpx.MockTransport(other)) as shop, pytest.raises(ServiceError, match="another version"):
        shop.models()


def test_many_events_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky([httpx.Response(200, json=DONE)] * 3)
    with Client(transport=httpx.MockTransport(flaky)) as shop:
        shop.record({"user": "ann", "item": str(i)} for i in range(1_100))
    assert len(flaky.bodies) == 3


def test_the_key_is_sent_and_shown_to_nobody() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer ft_secret"
        return httpx.Response(401, json={"error": {"code": "unauthorized", "message": "no"}})

    with Client(key="ft_secret", transport=httpx.MockTransport(answer)) as shop:
        with pytest.raises(ServiceError) as caught:
            shop.models()
        assert "ft_secret" not in repr(shop) + str(caught.value)


def test_a_client_needs_nothing_of_a_service() -> None:
    code = (
        "import sys, foretaste.client; "
        "bad = {'numpy', 'polars', 'scipy', 'fastapi', 'uvicorn', 'torch'} & set(sys.modules); "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
