"""Each API call as a value: method, path, parameters, and the type of its result. Both clients send these."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel

from foretaste import api as s
from foretaste.api.search import SearchResults
from foretaste.errors import DataError

Answer = TypeVar("Answer", bound=BaseModel)
Event = Mapping[str, Any] | s.EventIn
EVENTS_AT_ONCE = 500


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One API call; `answer` is the schema of its result."""

    method: str
    path: str
    answer: type[Answer]
    params: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    kind: str | None = None
    """Content-Type of `content`, where the body is not JSON."""

    @property
    def sent(self) -> dict[str, Any]:
        """The body as arguments of httpx's `request`."""
        if self.content is None:
            return {"json": self.body}
        return {"content": self.content, "headers": {"Content-Type": self.kind or "application/octet-stream"}}


def _name(text: str) -> str:
    if not isinstance(text, str):
        raise DataError(f"An id must be a string, not {text!r}; write {str(text)!r}.")
    return quote(text, safe="")


def _without_none(**params: Any) -> dict[str, Any]:
    """The parameters that are not None; the service has defaults for the others."""
    return {key: value for key, value in params.items() if value is not None}


def with_id(event: Event) -> dict[str, Any]:
    """An event as JSON. An event without an id gets one here, so that a retry cannot count twice."""
    given = event.model_dump(exclude_none=True) if isinstance(event, s.EventIn) else dict(event)
    given.setdefault("id", uuid4().hex)
    if hasattr(given.get("time"), "isoformat"):
        given["time"] = given["time"].isoformat()
    return given


def batches(events: Iterable[Event] | Event) -> Iterable[list[dict[str, Any]]]:
    """The events, or the one event, in batches of at most EVENTS_AT_ONCE."""
    rest = iter([events] if isinstance(events, Mapping | s.EventIn) else events)
    while batch := [with_id(event) for event in islice(rest, EVENTS_AT_ONCE)]:
        yield batch


def record(batch: list[dict[str, Any]]) -> Call[s.EventsOut]:
    return Call("POST", "/v1/events", s.EventsOut, body={"events": batch})


def recommend(
    user: str, n: int, explain: bool, scene: str | None, filter: Mapping[str, Any] | None, cursor: str | None
) -> Call[s.Recommendations]:
    conditions = None if filter is None else json.dumps(filter)
    params = _without_none(n=n, explain=explain or None, scene=scene, filter=conditions, cursor=cursor)
    return Call("GET", f"/v1/users/{_name(user)}/recommendations", s.Recommendations, params)


def recommend_guest(history: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> Call[s.Recommendations]:
    return Call(
        "POST", "/v1/recommendations", s.Recommendations, body={"history": list(history), **_without_none(**more)}
    )


def onboarding(items: int, labels: int, more: Mapping[str, Sequence[str]]) -> Call[s.Onboarding]:
    chosen = {name: list(names) for name, names in more.items() if names}
    return Call("GET", "/v1/onboarding", s.Onboarding, {"items": items, "labels": labels, **chosen})


def recommend_batch(users: Sequence[str], more: Mapping[str, Any]) -> Call[s.BatchOut]:
    return Call("POST", "/v1/recommendations/batch", s.BatchOut, body={"users": list(users), **_without_none(**more)})


def rank(items: Sequence[str], more: Mapping[str, Any]) -> Call[s.Recommendations]:
    return Call("POST", "/v1/rank", s.Recommendations, body={"items": list(items), **_without_none(**more)})


def similar(item: str, n: int, by: str | None) -> Call[s.SimilarItems]:
    return Call("GET", f"/v1/items/{_name(item)}/similar", s.SimilarItems, _without_none(n=n, by=by))


def search(q: str, more: Mapping[str, Any]) -> Call[SearchResults]:
    params = _without_none(**more)
    if "filter" in params:
        params["filter"] = json.dumps(params["filter"])
    return Call("GET", "/v1/search", SearchResults, {"q": q, **params})


def search_picture(picture: bytes, n: int, filter: Mapping[str, Any] | None) -> Call[SearchResults]:
    conditions = None if filter is None else json.dumps(filter)
    params = _without_none(n=n, filter=conditions)
    return Call("POST", "/v1/search/picture", SearchResults, params, content=picture, kind=kind_of(picture))


def kind_of(picture: bytes) -> str:
    """The Content-Type of a picture, from its first bytes; the service checks the format itself."""
    for start, kind in ((b"\x89PNG", "image/png"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp")):
        if picture.startswith(start):
            return kind
    return "image/jpeg"


def items(n: int) -> Call[s.Items]:
    return Call("GET", "/v1/items", s.Items, {"n": n})


def item(item: str) -> Call[s.Item]:
    return Call("GET", f"/v1/items/{_name(item)}", s.Item)


def put_item(item: str, columns: Mapping[str, Any], hidden: bool) -> Call[s.ItemPut]:
    return Call("PUT", f"/v1/items/{_name(item)}", s.ItemPut, body={"columns": dict(columns), "hidden": hidden})


def delete_item(item: str) -> Call[s.ItemDeleted]:
    return Call("DELETE", f"/v1/items/{_name(item)}", s.ItemDeleted)


def user(user: str) -> Call[s.UserOut]:
    return Call("GET", f"/v1/users/{_name(user)}", s.UserOut)


def put_user(user: str, columns: Mapping[str, Any]) -> Call[s.UserOut]:
    return Call("PUT", f"/v1/users/{_name(user)}", s.UserOut, body={"columns": dict(columns)})


def erase_user(user: str) -> Call[s.ReceiptOut]:
    return Call("DELETE", f"/v1/users/{_name(user)}", s.ReceiptOut)


def profile(user: str, n: int) -> Call[s.Profile]:
    return Call("GET", f"/v1/users/{_name(user)}/profile", s.Profile, {"n": n})


def export(user: str) -> Call[s.Export]:
    return Call("GET", f"/v1/users/{_name(user)}/export", s.Export)


def less(user: str, item: str) -> Call[s.LessOut]:
    return Call("POST", f"/v1/users/{_name(user)}/less", s.LessOut, body={"item": item, "id": uuid4().hex})


def forget(user: str, item: str, kind: str | None, time: str | None) -> Call[s.HistoryRemoved]:
    return Call(
        "DELETE", f"/v1/users/{_name(user)}/history", s.HistoryRemoved, _without_none(item=item, kind=kind, time=time)
    )


def reset(user: str) -> Call[s.HistoryRemoved]:
    return Call("DELETE", f"/v1/users/{_name(user)}/history", s.HistoryRemoved, {"all": True})


def models() -> Call[s.Models]:
    return Call("GET", "/v1/models", s.Models)


def activate(version: str) -> Call[s.Activated]:
    return Call("POST", f"/v1/models/{_name(version)}/activate", s.Activated)


def ready() -> Call[s.Readiness]:
    return Call("GET", "/readyz", s.Readiness)
