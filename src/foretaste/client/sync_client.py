"""The synchronous client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from foretaste.client import calls
from foretaste.client.errors import ServiceError
from foretaste.client.retrying import base_url, headers, import_httpx, is_retryable, pause, read, unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import httpx

    from foretaste.api import (
        Activated,
        EventResult,
        Export,
        Item,
        ItemPut,
        LessOut,
        Models,
        Onboarding,
        Profile,
        Readiness,
        ReceiptOut,
        Recommendations,
        SimilarItems,
        UserOut,
    )
    from foretaste.api.search import SearchResults
    from foretaste.client.calls import Answer, Call, Event


class Client:
    """Synchronous client. Keeps connections open: close it, or use it in `with`. Thread-safe.

    address    : of the service; without a scheme, http:// is assumed
    key        : an API key, where the service needs one
    retries    : further attempts when the service is overloaded, restarting or unreachable; calls are idempotent
    timeout    : seconds to wait for one response
    transport  : httpx transport, for tests and proxies

    All methods raise ServiceError where the service refuses the request or cannot be reached.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        retries: int = 4,
        timeout: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._httpx = import_httpx()
        self._address = base_url(address)
        self._retries = retries
        self._session = self._httpx.Client(
            base_url=self._address, headers=headers(key), timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def send(self, call: Call[Answer]) -> Answer:
        """Send one call, with retries; ServiceError with the message of the service."""
        for tries in range(self._retries + 1):
            try:
                return self._once(call)
            except ServiceError as error:
                if tries == self._retries or not is_retryable(error):
                    raise
                time.sleep(pause(tries, error))
        raise AssertionError("unreachable")

    def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = self._session.request(call.method, call.path, params=call.params, **call.sent)
        except self._httpx.TransportError as error:
            raise unreachable(self._address, error) from error
        return read(call, response)

    def record(self, events: Iterable[Event] | Event) -> list[EventResult]:
        """Record one or several events; returns a result for each, in order.

        An event without an id gets one, so that a retry never counts twice.
        """
        results: list[EventResult] = []
        for batch in calls.batches(events):
            results += (self.send(calls.record(batch))).results
        return results

    def recommend(
        self,
        user: str,
        n: int = 10,
        *,
        explain: bool = False,
        scene: str | None = None,
        filter: Mapping[str, Any] | None = None,
        cursor: str | None = None,
    ) -> Recommendations:
        """The n best items for a user now."""
        return self.send(calls.recommend(user, n, explain, scene, filter, cursor))

    def pages(self, user: str, n: int = 10, **more: Any) -> Iterator[Recommendations]:
        """All pages of a list, without repeated items; `more` as for `recommend`."""
        cursor: str | None = None
        while True:
            page = self.recommend(user, n, cursor=cursor, **more)
            yield page
            if (cursor := page.cursor) is None:
                return

    def recommend_guest(
        self, history: Sequence[Mapping[str, Any]] = (), n: int = 10, *, likes: Sequence[str] = (), **more: Any
    ) -> Recommendations:
        """The n best items for a guest with this history or these liked labels (see `onboarding`).

        more : columns, explain, exclude, allowed, filter, scene, cursor
        """
        return self.send(calls.recommend_guest(history, {"n": n, "likes": list(likes) or None, **more}))

    def onboarding(
        self,
        items: int = 12,
        labels: int = 8,
        *,
        chosen: Sequence[str] = (),
        seen: Sequence[str] = (),
        likes: Sequence[str] = (),
    ) -> Onboarding:
        """Items and labels to show to a new user, given the items and labels they chose so far, and those they saw."""
        more = {"chosen": chosen, "seen": seen, "likes": likes}
        return self.send(calls.onboarding(items, labels, more))

    def recommend_batch(self, users: Sequence[str], n: int = 10, **more: Any) -> list[Recommendations]:
        """Lists for up to 100 users at once; `more`: explain, filter, scene."""
        return (self.send(calls.recommend_batch(users, {"n": n, **more}))).answers

    def rank(
        self,
        items: Sequence[str],
        *,
        user: str | None = None,
        history: Sequence[Mapping[str, Any]] | None = None,
        explain: bool = False,
    ) -> Recommendations:
        """Rank the given items for a user or a guest's history."""
        return self.send(calls.rank(items, {"user": user, "history": history, "explain": explain}))

    def similar(self, item: str, n: int = 10, *, by: str | None = None) -> SimilarItems:
        """Items similar to an item: by text, picture, behaviour or blend; by default all models decide together."""
        return self.send(calls.similar(item, n, by))

    def search(
        self,
        q: str,
        n: int = 10,
        *,
        user: str | None = None,
        personal: float | None = None,
        filter: Mapping[str, Any] | None = None,
        remember: bool | None = None,
    ) -> SearchResults:
        """Search by text, personalised for a `user`; `remember` stores the search where the project allows it."""
        more = {"n": n, "user": user, "personal": personal, "filter": filter, "remember": remember}
        return self.send(calls.search(q, more))

    def search_picture(self, picture: bytes, n: int = 10, *, filter: Mapping[str, Any] | None = None) -> SearchResults:
        """Items whose pictures are similar to this one: the bytes of a JPEG, PNG, WebP or GIF file."""
        return self.send(calls.search_picture(picture, n, filter))

    def items(self, n: int = 24) -> list[Item]:
        """The n most popular items."""
        return (self.send(calls.items(n))).items

    def item(self, item: str) -> Item:
        return self.send(calls.item(item))

    def put_item(self, item: str, columns: Mapping[str, Any], *, hidden: bool = False) -> ItemPut:
        """Add an item, or replace its columns; `remarks` of the result names columns with unexpected values."""
        return self.send(calls.put_item(item, columns, hidden))

    def delete_item(self, item: str) -> bool:
        """Remove an item from the catalogue; False if there was no such item."""
        return (self.send(calls.delete_item(item))).deleted

    def user(self, user: str) -> UserOut:
        return self.send(calls.user(user))

    def put_user(self, user: str, columns: Mapping[str, Any]) -> UserOut:
        return self.send(calls.put_user(user, columns))

    def erase_user(self, user: str) -> ReceiptOut:
        """Erase all data of a user; returns the receipt."""
        return self.send(calls.erase_user(user))

    def profile(self, user: str, n: int = 50) -> Profile:
        """The latest n events of a user, newest first."""
        return self.send(calls.profile(user, n))

    def export(self, user: str) -> Export:
        """All data stored about a user."""
        return self.send(calls.export(user))

    def less(self, user: str, item: str) -> LessOut:
        """Record a dislike: the item is not recommended again, similar items are ranked lower."""
        return self.send(calls.less(user, item))

    def forget(self, user: str, item: str, *, kind: str | None = None, time: str | None = None) -> int:
        """Remove an item, or one entry of it, from a history; returns the number of removed entries."""
        return (self.send(calls.forget(user, item, kind, time))).removed

    def reset(self, user: str) -> int:
        """Remove the whole history; returns the number of removed entries."""
        return (self.send(calls.reset(user))).removed

    def models(self) -> Models:
        return self.send(calls.models())

    def activate(self, version: str) -> Activated:
        """Activate a bundle; activate `before` of the result to roll back."""
        return self.send(calls.activate(version))

    def ready(self) -> Readiness:
        return self.send(calls.ready())
