"""The contract of the service over HTTP: shapes, limits, and errors one can act on."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from foretaste import api as schemas
from foretaste.errors import StoreError
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app
from foretaste.serving.settings import ServerConfig

ROUTES: dict[str, type[BaseModel]] = {
    "/v1/users?n=3": schemas.Users,
    "/v1/users/u4/profile?n=3": schemas.Profile,
    "/v1/users/nobody/profile": schemas.Profile,
    "/v1/users/u4/recommendations?n=3&explain=true": schemas.Recommendations,
    "/v1/users/u4/recommendations": schemas.Recommendations,
    "/v1/onboarding?items=3&chosen=f2": schemas.Onboarding,
    "/v1/items?n=3": schemas.Items,
    "/v1/items/f9": schemas.Item,
    "/v1/items/f9/similar": schemas.SimilarItems,
    "/v1/models": schemas.Models,
}


@pytest.mark.parametrize("path", ROUTES)
def test_answers_have_exactly_the_documented_fields(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    model = ROUTES[path].model_validate(answer.json())  # answers are sent unchecked; here they are checked
    assert model.model_dump(mode="json", exclude_unset=True) == answer.json()
    assert answer.headers["cache-control"] == "no-store"


def test_reasons_and_trace_only_when_asked_for(client: TestClient) -> None:
    plain = client.get("/v1/users/u4/recommendations?n=2").json()
    assert "trace" not in plain
    assert "reasons" not in plain["items"][0]
    told = client.get("/v1/users/u4/recommendations?n=2&explain=true").json()
    assert told["trace"]
    assert told["items"][0]["reasons"]
    assert plain["recommendation_id"] != told["recommendation_id"]


def test_an_event_and_a_profile_as_the_contract_shows_them(client: TestClient) -> None:
    event = {"id": "e-1", "user": "ann", "item": "f3", "kind": "view", "time": "2025-11-21T10:00:00Z", "value": 4.0}
    answer = client.post("/v1/events", json={"events": [event]})
    assert answer.json() == {"accepted": 1, "results": [{"id": "e-1", "status": "accepted", "why": None}]}
    assert client.get("/v1/users/ann/profile").json() == {
        "user": "ann",
        "events": 1,
        "history": [
            {
                "item": "f3",
                "title": "Film <b>3</b>",
                "kind": "view",
                "time": "2025-11-21T10:00:00Z",
                "value": 4.0,
                "columns": {"genres": ["Drama", "Odd"], "year": 1993, "stars": 4.5, "released": "1993-01-01"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("time", "written"),
    [
        ("2025-11-21T10:00:00+01:00", "2025-11-21T09:00:00Z"),
        ("2025-11-21T10:00:00.25Z", "2025-11-21T10:00:00.250000Z"),
        (1_763_719_200_000_001, "2025-11-21T10:00:00.000001Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_times_are_exact_to_the_microsecond(client: TestClient, time: object, written: str) -> None:
    client.post("/v1/events", json={"events": [{"id": "1", "user": "ann", "item": "f3", "time": time}]})
    assert client.get("/v1/users/ann/profile").json()["history"][0]["time"] == written


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"id": "1", "user": "ann"}, "item: Field required."),
        ({"id": "1", "user": "", "item": "f3"}, "user: it is empty; give a name."),
        ({"id": "1", "user": "a" * 257, "item": "f3"}, "user: String should have at most 256 characters."),
        (
            {"id": "1", "user": "ann", "item": "f3", "time": "2025-11-21T10:00:00"},
            "time: a time needs a time zone; end it with Z or an offset such as +01:00.",
        ),
        (
            {"id": "1", "user": "ann", "item": "f3", "time": "noon"},
            "time: write ISO 8601 with a time zone, such as 2026-11-21T10:00:00Z.",
        ),
        (
            {"id": "1", "user": "ann", "item": "f3", "time": 10**18},
            "time: outside the years 1 to 9999; whole numbers are µs since 1970 UTC.",
        ),
        (
            {"id": "1", "user": "ann", "item": "f3", "time": 1_767_225_600},
            "time: times are µs since 1970 UTC or ISO 8601; this looks like seconds, so multiply it by 1,000,000.",
        ),
        (
            {"id": "1", "user": "ann", "item": "f3", "time": 1_767_225_600_000},
            "time: times are µs since 1970 UTC or ISO 8601; this looks like milliseconds, so multiply it by 1,000.",
        ),
        (
            {"id": "1", "user": "ann", "item": "f3", "time": 0},
            "time: times are µs since 1970 UTC or ISO 8601; this number is a time before 1990; if you mean "
            "that, write ISO 8601.",
        ),
        ({"id": "1", "user": "ann", "item": "f3", "typ": "shown"}, "typ: Extra inputs are not permitted."),
        ({"id": "1", "user": "ann", "item": "f3", "type": "seen"}, "type: Input should be 'interaction' or 'shown'."),
        ("an event", "An event is an object with id, user and item."),
    ],
)
def test_a_bad_event_is_rejected_alone_and_told_why(client: TestClient, event: object, why: str) -> None:
    good = {"id": "good", "user": "ann", "item": "f3"}
    answer = client.post("/v1/events", json={"events": [event, good]})
    assert answer.status_code == 200
    bad, kept = answer.json()["results"]
    assert bad == {"id": "1" if isinstance(event, dict) else None, "status": "rejected", "why": why}
    assert kept["status"] == "accepted"


def test_a_guests_times_in_seconds_are_refused_and_old_dates_are_not(client: TestClient) -> None:
    body = {"history": [{"item": "f2", "time": 1_767_225_600}]}
    answer = client.post("/v1/recommendations", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("history.0.time: times are µs since 1970 UTC or ISO 8601; this")
    body = {"history": [{"item": "f2", "time": "1985-01-01T00:00:00Z"}]}
    assert client.post("/v1/recommendations", json=body).json()["events_used"] == 1


def test_a_parameter_nobody_knows_is_refused_at_every_address(client: TestClient) -> None:
    answer = client.get("/v1/users/u4/recommendations", params={"k": 5})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == (
        "query: this address has no parameter 'k'. Known: cursor, explain, filter, n, scene."
    )
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            address = path.format(user="u4", item="f2", version="v")
            answer = client.request(method, address, params={"expplain": "true"}, json={})
            probe = operation["tags"] == ["health"]  # behind it a balancer puts what it likes
            assert answer.status_code == (200 if probe else 422), path
            assert probe or "422" in operation["responses"], path
            assert probe or "has no parameter 'expplain'" in answer.json()["error"]["message"]
    said = client.delete("/v1/users/u4/history", params={"item": "f2", "kid": "view"}).json()["error"]["message"]
    assert "Did you mean 'kind'? Known: all, item, kind, time." in said
    assert client.get("/", params={"from": "mail"}).status_code == 200


def test_ids_may_hold_anything_a_url_can_carry(client: TestClient) -> None:
    user = "a/b c?d#é%"
    client.post("/v1/events", json={"events": [{"id": "1", "user": user, "item": "f3"}]})
    answer = client.get("/v1/users/a%2Fb%20c%3Fd%23%C3%A9%25/profile").json()
    assert (answer["user"], answer["events"]) == (user, 1)


def error(answer: Any) -> tuple[int, str, str]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    return answer.status_code, body["error"]["code"], body["error"]["message"]


JSON = {"content-type": "application/json"}
TOO_MANY = json.dumps({"events": [{}] * 1001}).encode()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "message"),
    [
        ("GET", "/v1/items/nope", None, 404, "not_found", "No item is called 'nope'"),
        ("GET", "/v1/items/nope/similar", None, 404, "not_found", "No item is called 'nope'"),
        ("GET", "/v2", None, 404, "not_found", "no such address"),
        ("GET", "/console/nope.js", None, 404, "not_found", "no such address"),
        ("DELETE", "/v1/users", None, 405, "method_not_allowed", "does not support this method"),
        ("GET", "/v1/items?n=0", None, 422, "invalid", "n: Input should be greater than or equal to 1."),
        ("GET", "/v1/users/u4/recommendations?n=501", None, 422, "invalid", "n: Input should be less than or equal"),
        ("GET", f"/v1/items/{'x' * 257}", None, 422, "invalid", "item: String should have at most 256"),
        ("GET", "/v1/users//profile", None, 422, "invalid", "user: it is empty; give a name."),
        ("POST", "/v1/events", b"{oops", 422, "invalid", "The body is not JSON: Expecting property name"),
        ("POST", "/v1/events", b"\xff\xfe\xfd", 422, "invalid", "The body"),
        ("POST", "/v1/events", b"[" * 100_000, 422, "invalid", "nests deeper than 16 levels"),
        ("POST", "/v1/events", b"", 422, "invalid", "The body is empty; it must be a JSON object, as /docs shows it."),
        ("POST", "/v1/recommendations", b"[]", 422, "invalid", "The body must be a JSON object, as /docs shows it."),
        ("POST", "/v1/recommendations", b"null", 422, "invalid", "The body must be a JSON object, as /docs shows it."),
        ("POST", "/v1/recommendations", b'{"history": [1]}', 422, "invalid", "history.0: it must be a JSON object."),
        ("POST", "/v1/rank", b'{"items": ["f1"], "user": "a", "history": []}', 422, "invalid", "give a user or a hist"),
        ("POST", "/v1/events", TOO_MANY, 422, "invalid", "events: List should have at most 1000"),
        ("POST", "/v1/recommendations", b'{"n": 501}', 422, "invalid", "n: Input should be less than"),
        ("POST", "/v1/recommendations", b'{"histroy": []}', 422, "invalid", "histroy: Extra inputs"),
        ("POST", "/v1/recommendations", b'{"history": [{"item": "f2", "value": NaN}]}', 422, "invalid", "history.0"),
        ("POST", "/v1/events", b" " * (1 << 20) + b"x", 413, "too_large", "larger than 1048576 bytes"),
    ],
)  # fmt: skip
def test_errors_are_one_sentence_in_one_shape(
    client: TestClient, method: str, path: str, body: bytes | None, status: int, code: str, message: str
) -> None:
    found = error(client.request(method, path, content=body, headers=JSON))
    assert found[:2] == (status, code)
    assert message in found[2]
    assert "\n" not in found[2]


def test_a_body_that_hides_its_length_is_limited_too(client: TestClient) -> None:
    pieces = (b" " * 65_536 for _ in range(17))
    assert error(client.post("/v1/events", content=pieces, headers=JSON))[:2] == (413, "too_large")


def test_another_sites_page_cannot_post_events(client: TestClient, engine: Engine) -> None:
    body = json.dumps({"events": [{"id": "1", "user": "ann", "item": "f3"}]})
    answer = client.post("/v1/events", content=body, headers={"content-type": "text/plain"})  # needs no preflight
    assert "Content-Type: application/json" in error(answer)[2]
    assert engine.store.count("ann") == 0


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::2]"])
def test_on_loopback_other_names_are_refused(client: TestClient, host: str) -> None:
    assert error(client.get("/v1/users", headers={"host": host}))[:2] == (403, "unknown_host")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_on_loopback_our_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/v1/users", headers={"host": host}).status_code == 200


def test_beyond_loopback_names_are_checked_where_they_are_given(engine: Engine) -> None:
    headers = {"host": "shop.example"}
    for config, status in [
        (ServerConfig(host="0.0.0.0"), 200),
        (ServerConfig(host="0.0.0.0", allowed_hosts=("shop.example",)), 200),
        (ServerConfig(host="0.0.0.0", allowed_hosts=("other.example",)), 403),
    ]:
        app = create_app(engine, config)
        assert TestClient(app).get("/healthz", headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/v1/items/nope", "/console/app.css"])
def test_every_answer_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_and_its_files_are_served(client: TestClient) -> None:
    assert "<title>foretaste</title>" in client.get("/").text
    assert client.get("/console/app.js").status_code == 200
    assert client.get("/console/%2e%2e/engine.py").status_code == 404


def test_health_and_readiness(client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "version": engine.version}

    def gone() -> None:
        raise StoreError("The event store /secret/place/events.db cannot be used.")

    monkeypatch.setattr(engine, "check_ready", gone)
    answer = client.get("/readyz")
    assert error(answer)[:2] == (503, "unavailable")
    assert "/secret" not in answer.text
    assert client.get("/healthz").status_code == 200


def test_a_fault_of_ours_shows_nothing_of_our_insides(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(engine, "people", broken)
    answer = client.get("/v1/users")
    assert error(answer)[:2] == (500, "internal")
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text  # but the server's own log has it
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_access_log_names_routes_and_nobody(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "foretaste.access"):
        client.get("/v1/users/very-secret/profile")
        client.get("/v1/very-secret")
        client.get("/v1/items/very-secret")
        client.get("/console/very-secret")
    lines = [record.getMessage().rsplit(" ", 2)[0] for record in caplog.records if record.name == "foretaste.access"]
    assert lines == [
        "GET /v1/users/{user}/profile 200",
        "GET (no such route) 404",
        "GET /v1/items/{item} 404",
        "GET /console/… 404",
    ]


def test_openapi_and_the_reference_page_describe_every_route(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert {
        "/v1/events",
        "/v1/users",
        "/v1/users/{user}",
        "/v1/users/{user}/export",
        "/v1/users/{user}/history",
        "/v1/users/{user}/less",
        "/v1/users/{user}/profile",
        "/v1/users/{user}/recommendations",
        "/v1/recommendations",
        "/v1/recommendations/batch",
        "/v1/rank",
        "/v1/items",
        "/v1/items/{item}",
        "/v1/items/{item}/similar",
        "/v1/models",
        "/v1/models/{version}/activate",
        "/healthz",
        "/readyz",
    } <= set(described["paths"])
    event = described["components"]["schemas"]["EventIn"]
    assert set(event["required"]) == {"id", "user", "item"}
    page = client.get("/docs").text
    for path in described["paths"]:
        assert path in page
    assert "<script" not in page


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["f2", "u4", "rating", "2025-11-21T10:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
name = st.sampled_from(["f2", "f3", "nope"]) | st.text(st.characters(), max_size=4)
past = st.fixed_dictionaries(
    {"item": name | anything},
    optional={
        "kind": st.sampled_from(["rating", "view"]) | anything,
        "time": anything,
        "value": st.floats() | anything,
    },
)
event = st.fixed_dictionaries(
    {"id": name | anything, "user": name | anything, "item": name | anything},
    optional={"type": anything, "kind": name, "time": st.integers() | anything, "value": st.floats() | anything},
)
guest = st.fixed_dictionaries(
    {},
    optional={
        "history": st.lists(past, max_size=4) | anything,
        "n": st.integers(-1, 600) | anything,
        "explain": st.booleans() | anything,
        "exclude": st.lists(name, max_size=3) | anything,
        "allowed": st.lists(name, max_size=3) | anything,
    },
)
bodies = st.sampled_from(["/v1/events", "/v1/recommendations"]).flatmap(
    lambda path: st.tuples(
        st.just(path),
        (st.fixed_dictionaries({"events": st.lists(event | anything, max_size=4) | anything}) | anything)
        if path == "/v1/events"
        else guest | anything,
    )
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=bodies)
def test_no_body_whatever_breaks_the_service(client: TestClient, asked: tuple[str, Any]) -> None:
    path, body = asked
    answer = client.post(path, content=json.dumps(body), headers=JSON)  # with NaN, Infinity and lone surrogates
    if answer.status_code == 200:
        model = schemas.EventsOut if path == "/v1/events" else schemas.Recommendations
        model.model_validate(answer.json())
    else:
        assert error(answer)[:2] == (422, "invalid")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.text(st.sampled_from("uf4/%?#&=n\x00é€. 0"), max_size=8), n=st.text("0159-e._ ", max_size=5))
def test_no_address_whatever_breaks_the_service(client: TestClient, tail: str, n: str) -> None:
    name = quote(tail, safe="")
    for path in (f"/v1/users/{name}/recommendations", f"/v1/items/{name}", f"/v1/{quote(tail)}"):
        answer = client.get(f"{path}?n={quote(n)}")
        if answer.status_code != 200:
            assert error(answer)[0] in (404, 405, 422)
