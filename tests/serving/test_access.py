"""Access control: every route of the application needs a key with its scope unless it is listed as open."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute, Mount, Route

from foretaste.errors import ConfigError
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.access import required_scope
from foretaste.serving.http.app import create_app
from foretaste.serving.http.keys import KeyFile, Scope
from foretaste.serving.process.server import check_closed
from foretaste.serving.settings import Limits, ServerConfig

EVERYWHERE = ServerConfig(host="0.0.0.0", limits=Limits(refusals_per_second=10_000))


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile.of_project(tmp_path)


@pytest.fixture
def guarded(engine: Engine, keys: KeyFile) -> TestClient:
    return TestClient(create_app(engine, EVERYWHERE, keys), base_url="http://shop.example")


def with_key(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def all_routes(routes: list[BaseRoute]) -> list[tuple[str, str]]:
    """(method, path) of everything registered, by walking the application and not its description."""
    found: list[tuple[str, str]] = []
    for route in routes:
        if isinstance(route, Mount):
            found.append(("GET", f"{route.path}/app.js"))
        elif isinstance(route, APIRoute | Route):
            path = route.path.replace("{user:name}", "u4").replace("{item:name}", "f2").replace("{version}", "v1")
            found += [(method, path) for method in sorted(route.methods or ())]
        elif hasattr(route, "original_router") or hasattr(route, "routes"):
            inner = getattr(route, "routes", None) or route.original_router.routes
            found += all_routes(inner)
        else:
            raise AssertionError(f"a route of a kind this test does not know: {route!r}")
    return found


PUBLIC = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/"), ("GET", "/console/app.js")}
"""Health, and the page itself: files that are the same for everybody and hold nothing of anybody."""


def test_every_registered_route_wants_a_key(guarded: TestClient) -> None:
    routes = all_routes(guarded.app.routes)  # type: ignore[attr-defined]
    assert len(routes) > 25
    assert len({path for _, path in routes if path.startswith("/v1/")}) > 12
    for method, path in routes:
        if (method.replace("HEAD", "GET"), path) in PUBLIC:
            assert guarded.request(method, path).status_code == 200
            continue
        for headers in (
            {},
            with_key("ft_000000000000_" + "A" * 43),
            {"X-API-Key": "x"},
            {"Authorization": "Basic eA=="},
        ):
            answer = guarded.request(method, path, headers=headers, json={} if method in ("POST", "PUT") else None)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            if method != "HEAD":
                assert answer.json()["error"]["code"] == "unauthorized"


def test_what_is_not_there_is_not_told_to_strangers(guarded: TestClient) -> None:
    for path in ("/v2", "/v1/users/ann/nothing", "/.env", "/v1/../v1/users", "//v1/users", "/healthz/x", "/V1/users"):
        assert guarded.get(path).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/users/ann/recommendations", "read"),
        ("POST", "/v1/recommendations", "read"),
        ("POST", "/v1/recommendations/batch", "read"),
        ("POST", "/v1/rank", "read"),
        ("GET", "/metrics", "read"),
        ("GET", "/openapi.json", "read"),
        ("POST", "/v1/events", "write"),
        ("PUT", "/v1/items/50", "write"),
        ("DELETE", "/v1/items/50", "write"),
        ("POST", "/v1/users/ann/less", "write"),
        ("DELETE", "/v1/users/ann/history", "write"),
        ("DELETE", "/v1/users/a\nb/history", "write"),
        ("PATCH", "/v1/anything", "write"),
        ("POST", "/healthz", "write"),
        ("DELETE", "/v1/users/ann", "admin"),
        ("GET", "/v1/users/ann/export", "admin"),
        ("POST", "/v1/models/v1/activate", "admin"),
        ("GET", "/healthz", None),
        ("HEAD", "/", None),
    ],
)
def test_the_scope_of_each_address(method: str, path: str, scope: Scope | None) -> None:
    assert required_scope(method, path) == scope


SECRETLY_MORE = [
    ("write", "DELETE", "/v1/users/a%0Ab"),
    ("read", "GET", "/v1/users/a%0Ab/export"),
    ("write", "DELETE", "/v1/users/history"),  # the whole of somebody who is called so
    ("read", "GET", "/v1/users/u4/export%0A"),  # reaches the same route as without its last line break
    ("write", "POST", "/v1/models/v1/activate%0A"),
    ("read", "GET", "/v1/search%0A?q=film&user=u4&remember=true"),
]


@pytest.mark.parametrize(("held", "method", "path"), SECRETLY_MORE)
def test_no_way_of_writing_an_address_needs_less(
    guarded: TestClient, keys: KeyFile, held: Scope, method: str, path: str
) -> None:
    secret = keys.create("client", (held,)).secret
    assert guarded.request(method, path, headers=with_key(secret)).status_code == 403


ASK = [
    ("read", "GET", "/v1/users/u4/recommendations", None),
    ("write", "POST", "/v1/events", {"events": []}),
    ("admin", "POST", "/v1/models/nope/activate", None),
]


@pytest.mark.parametrize("held", ["read", "write", "admin"])
def test_a_key_may_do_what_its_scope_says_and_no_more(guarded: TestClient, keys: KeyFile, held: Scope) -> None:
    secret = keys.create("client", (held,)).secret
    for needed, method, path, body in ASK:
        allowed = held in ("admin", needed)
        for headers in (with_key(secret), {"X-API-Key": secret}):
            answer = guarded.request(method, path, headers=headers, json=body)
            assert (answer.status_code != 403) == allowed
            assert answer.status_code != 401
            if not allowed:
                assert f"the scope '{needed}'" in answer.json()["error"]["message"]


def test_on_this_machine_keys_are_asked_for_once_there_are_any(engine: Engine, keys: KeyFile) -> None:
    client = TestClient(create_app(engine, ServerConfig(), keys), base_url="http://127.0.0.1:8000")
    assert client.get("/v1/users").status_code == 200
    secret = keys.create("shop", ("read",)).secret
    fresh = TestClient(create_app(engine, ServerConfig(), KeyFile(keys.path)), base_url="http://127.0.0.1:8000")
    assert fresh.get("/v1/users").status_code == 401
    assert fresh.get("/v1/users", headers=with_key(secret)).status_code == 200
    keys.revoke("shop")
    again = TestClient(create_app(engine, ServerConfig(), KeyFile(keys.path)), base_url="http://127.0.0.1:8000")
    assert again.get("/v1/users").status_code == 401


def test_beyond_this_machine_it_starts_with_a_key_or_by_an_open_word(keys: KeyFile) -> None:
    with pytest.raises(ConfigError, match="foretaste keys create"):
        check_closed(ServerConfig(host="0.0.0.0"), keys)
    check_closed(ServerConfig(host="0.0.0.0", open_to_all=True), keys)
    check_closed(ServerConfig(host="localhost"), keys)
    keys.create("shop", ("read",))
    check_closed(ServerConfig(host="0.0.0.0"), keys)


def test_with_damaged_keys_it_does_not_start(keys: KeyFile) -> None:
    keys.path.write_text("{bad")
    for config in (ServerConfig(), ServerConfig(host="0.0.0.0", open_to_all=True)):
        with pytest.raises(ConfigError, match=r"The keys in .*keys\.json cannot be read \(it is damaged\); restore"):
            check_closed(config, keys)


def test_keys_that_are_damaged_later_let_nobody_in_until_they_are_mended(engine: Engine, keys: KeyFile) -> None:
    secret = keys.create("shop", ("read",)).secret
    good = keys.path.read_text()
    keys.path.write_text("{bad")
    client = TestClient(create_app(engine, ServerConfig(), keys), base_url="http://127.0.0.1:8000")
    for headers in ({}, with_key(secret)):
        answer = client.get("/v1/users", headers=headers)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "keys_unreadable"
        assert "keys.json" not in answer.text
        assert answer.headers["retry-after"] == "10"
    assert client.get("/healthz").status_code == 200
    keys.path.write_text(good)
    assert client.get("/v1/users", headers=with_key(secret)).status_code == 200


def test_open_to_all_means_it(engine: Engine, keys: KeyFile) -> None:
    keys.create("shop", ("read",))
    app = create_app(engine, ServerConfig(host="0.0.0.0", open_to_all=True), keys)
    assert TestClient(app).get("/v1/users").status_code == 200


def test_who_keeps_coming_without_a_key_is_told_to_wait(engine: Engine, keys: KeyFile) -> None:
    secret = keys.create("shop", ("read",)).secret
    app = create_app(engine, ServerConfig(host="0.0.0.0", limits=Limits(refusals_per_second=2)), keys)
    client = TestClient(app)
    answers = [client.get("/v1/users", headers={"X-API-Key": f"guess {i}"}) for i in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert client.get("/v1/users", headers=with_key(secret)).status_code == 200  # a good key is none of theirs


def test_one_key_may_ask_so_often_and_another_is_not_touched_by_it(engine: Engine, keys: KeyFile) -> None:
    one, other = (keys.create(name, ("read",)).secret for name in "ab")
    app = create_app(engine, ServerConfig(host="0.0.0.0", limits=Limits(requests_per_second=3)), keys)
    client = TestClient(app)
    statuses = [client.get("/v1/users", headers=with_key(one)).status_code for _ in range(8)]
    assert statuses[:6] == [200] * 6
    assert 429 in statuses[6:]
    assert client.get("/v1/users", headers=with_key(other)).status_code == 200


def test_no_secret_and_no_id_of_anybody_reaches_a_log(
    guarded: TestClient,
    keys: KeyFile,
    caplog: pytest.LogCaptureFixture,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = keys.create("shop", ("admin",)).secret
    canary = "canary-7f3a"
    caplog.set_level(logging.DEBUG)
    headers = {**with_key(secret), "X-Canary": canary, "User-Agent": canary, "Cookie": f"a={canary}"}
    event = {"id": canary, "user": canary, "item": canary, "kind": canary}
    guarded.post("/v1/events", json={"events": [event, {"id": canary}]}, headers=headers)
    for path in (f"/v1/users/{canary}/profile", f"/v1/items/{canary}", f"/{canary}?q={canary}", f"/console/{canary}"):
        guarded.get(path, headers=headers)
        guarded.get(path, headers={"Authorization": f"Bearer {secret[:-1]}", "X-API-Key": canary})
    guarded.put(f"/v1/users/{canary}", json={"columns": {"name": canary}}, headers=headers)
    guarded.post("/v1/events", content=f'{{"{canary}', headers=headers)

    def broken(*_: object) -> None:
        raise KeyError(f"{canary} {secret}")

    monkeypatch.setattr(engine, "people", broken)
    assert guarded.get("/v1/users", headers=headers).status_code == 500
    own = "\n".join(str(record.__dict__) for record in caplog.records if record.name.startswith("foretaste"))
    assert "GET /v1/users failed with KeyError" in own
    assert own.count("request_id") > 10
    assert canary not in own
    assert secret[16:] not in own
    assert keys.all()[0].hashes[0].sha256 not in own


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
def test_packed_bodies_are_not_unpacked(client: TestClient, encoding: str) -> None:
    answer = client.post("/v1/events", content=b"\x1f\x8b" + b"0" * 100, headers={"content-encoding": encoding})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_encoding")


def test_a_request_keeps_its_id_and_a_strange_one_is_replaced(client: TestClient) -> None:
    assert client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    for strange in ("a b", "x" * 65, "<script>"):
        given = client.get("/healthz", headers={"x-request-id": strange}).headers["x-request-id"]
        assert len(given) == 32
