"""Each call as a value: what to send, and what will come back. Both clients send the same ones."""

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
    method: str
    path: str
    answer: type[Answer]
    params: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    kind: str | None = None
    """Of the content, where it is no JSON."""

    @property
    def sent(self) -> dict[str, Any]:
        """What httpx wants to know of the body."""
        if self.content is None:
            return {"json": self.body}
        return {"content": self.content, "headers": {"Content-Type": self.kind or "application/octet-stream"}}


def _name(text: str) -> str:
    if not isinstance(text, str):
        raise DataError(f"An id is a text, and {text!r} is none; write {str(text)!r}.")
    return quote(text, safe="")


def _said(**params: Any) -> dict[str, Any]:
    """Only what was said; everything else is the service's own choice."""
    return {key: value for key, value in params.items() if value is not None}


def with_id(event: Event) -> dict[str, Any]:
    """An event as JSON. One without an id gets one here, once, so that sending it again cannot count twice."""
    given = event.model_dump(exclude_none=True) if isinstance(event, s.EventIn) else dict(event)
    given.setdefault("id", uuid4().hex)
    if hasattr(given.get("time"), "isoformat"):
        given["time"] = given["time"].isoformat()
    return given


def batches(events: Iterable[Event] | Event) -> Iterable[list[dict[str, Any]]]:
    """The same events, or the one, in lists the service takes at once."""
    rest = iter([events] if isinstance(events, Mapping | s.EventIn) else events)
    while batch := [with_id(event) for event in islice(rest, EVENTS_AT_ONCE)]:
        yield batch


def record(batch: list[dict[str, Any]]) -> Call[s.EventsOut]:
    return Call("POST", "/v1/events", s.EventsOut, body={"events": batch})


def recommend(
    user: str, n: int, explain: bool, scene: str | None, filter: Mapping[str, Any] | None, cursor: str | None
) -> Call[s.Recommendations]:
    wanted = None if filter is None else json.dumps(filter)
    params = _said(n=n, explain=explain or None, scene=scene, filter=wanted, cursor=cursor)
    return Call("GET", f"/v1/users/{_name(user)}/recommendations", s.Recommendations, params)


def recommend_guest(history: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> Call[s.Recommendations]:
    return Call("POST", "/v1/recommendations", s.Recommendations, body={"history": list(history), **_said(**more)})


def onboarding(items: int, labels: int, more: Mapping[str, Sequence[str]]) -> Call[s.Onboarding]:
    chosen = {name: list(names) for name, names in more.items() if names}
    return Call("GET", "/v1/onboarding", s.Onboarding, {"items": items, "labels": labels, **chosen})


def recommend_batch(users: Sequence[str], more: Mapping[str, Any]) -> Call[s.BatchOut]:
    return Call("POST", "/v1/recommendations/batch", s.BatchOut, body={"users": list(users), **_said(**more)})


def rank(items: Sequence[str], more: Mapping[str, Any]) -> Call[s.Recommendations]:
    return Call("POST", "/v1/rank", s.Recommendations, body={"items": list(items), **_said(**more)})


def similar(item: str, n: int, by: str | None) -> Call[s.SimilarItems]:
    return Call("GET", f"/v1/items/{_name(item)}/similar", s.SimilarItems, _said(n=n, by=by))


def search(q: str, more: Mapping[str, Any]) -> Call[SearchResults]:
    said = _said(**more)
    if "filter" in said:
        said["filter"] = json.dumps(said["filter"])
    return Call("GET", "/v1/search", SearchResults, {"q": q, **said})


def search_picture(picture: bytes, n: int, filter: Mapping[str, Any] | None) -> Call[SearchResults]:
    wanted = None if filter is None else json.dumps(filter)
    params = _said(n=n, filter=wanted)
    return Call("POST", "/v1/search/picture", SearchResults, params, content=picture, kind=kind_of(picture))


def kind_of(picture: bytes) -> str:
    """The Content-Type of a picture, by how its file begins; the service looks for itself, too."""
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
    return Call("DELETE", f"/v1/users/{_name(user)}/history", s.HistoryRemoved, _said(item=item, kind=kind, time=time))


def reset(user: str) -> Call[s.HistoryRemoved]:
    return Call("DELETE", f"/v1/users/{_name(user)}/history", s.HistoryRemoved, {"all": True})


def models() -> Call[s.Models]:
    return Call("GET", "/v1/models", s.Models)


def activate(version: str) -> Call[s.Activated]:
    return Call("POST", f"/v1/models/{_name(version)}/activate", s.Activated)


def ready() -> Call[s.Readiness]:
    return Call("GET", "/readyz", s.Readiness)
