"""The client that awaits its answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from foretaste.client import calls
from foretaste.client.errors import ServiceError
from foretaste.client.retrying import headers, may_try_again, needed_httpx, pause, read, unreachable, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

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


class AsyncClient:
    """Keeps its connections; close it, or use it in `async` `with`. May be shared by tasks.

    address    : of the service; without http:// or https:// it is taken to be http
    key        : an API key, where the service asks for one
    retries    : how often a call is tried again when the service is busy, away for a moment, or out of reach
    timeout    : seconds to wait for one answer
    transport  : of httpx, for tests and proxies
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        retries: int = 4,
        timeout: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._httpx = needed_httpx()
        self._address = whole(address)
        self._retries = retries
        self._session = self._httpx.AsyncClient(
            base_url=self._address, headers=headers(key), timeout=timeout, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.aclose()

    async def send(self, call: Call[Answer]) -> Answer:
        """One call, tried again while that may help; ServiceError with what the service said."""
        for tries in range(self._retries + 1):
            try:
                return await self._once(call)
            except ServiceError as error:
                if tries == self._retries or not may_try_again(error):
                    raise
                await asyncio.sleep(pause(tries, error))
        raise AssertionError("unreachable")

    async def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = await self._session.request(call.method, call.path, params=call.params, **call.sent)
        except self._httpx.TransportError as error:
            raise unreachable(self._address, error) from error
        return read(call, response)

    async def record(self, events: Iterable[Event] | Event) -> list[EventResult]:
        """Keep events, or one; a result for each, in order. What has no id gets one, and a retry never counts twice."""
        results: list[EventResult] = []
        for batch in calls.batches(events):
            results += (await self.send(calls.record(batch))).results
        return results

    async def recommend(
        self,
        user: str,
        n: int = 10,
        *,
        explain: bool = False,
        scene: str | None = None,
        filter: Mapping[str, Any] | None = None,
        cursor: str | None = None,
    ) -> Recommendations:
        """The n best items for a person now."""
        return await self.send(calls.recommend(user, n, explain, scene, filter, cursor))

    async def pages(self, user: str, n: int = 10, **more: Any) -> AsyncIterator[Recommendations]:
        """Page after page without repeats, as long as there is something; `more` as for `recommend`."""
        cursor: str | None = None
        while True:
            page = await self.recommend(user, n, cursor=cursor, **more)
            yield page
            if (cursor := page.cursor) is None:
                return

    async def recommend_guest(
        self, history: Sequence[Mapping[str, Any]] = (), n: int = 10, *, likes: Sequence[str] = (), **more: Any
    ) -> Recommendations:
        """For a guest who brings a history along, or says which labels they like (`onboarding` gives some); `more`:
        columns, explain, exclude, allowed, filter, scene, cursor."""
        return await self.send(calls.recommend_guest(history, {"n": n, "likes": list(likes) or None, **more}))

    async def onboarding(
        self,
        items: int = 12,
        labels: int = 8,
        *,
        chosen: Sequence[str] = (),
        seen: Sequence[str] = (),
        likes: Sequence[str] = (),
    ) -> Onboarding:
        """What to ask somebody new; after the items and labels they chose and the items they passed over, what next."""
        more = {"chosen": chosen, "seen": seen, "likes": likes}
        return await self.send(calls.onboarding(items, labels, more))

    async def recommend_batch(self, users: Sequence[str], n: int = 10, **more: Any) -> list[Recommendations]:
        """Lists for up to 100 people at once; `more`: explain, filter, scene."""
        return (await self.send(calls.recommend_batch(users, {"n": n, **more}))).answers

    async def rank(
        self,
        items: Sequence[str],
        *,
        user: str | None = None,
        history: Sequence[Mapping[str, Any]] | None = None,
        explain: bool = False,
    ) -> Recommendations:
        """These items in the order in which they suit a person."""
        return await self.send(calls.rank(items, {"user": user, "history": history, "explain": explain}))

    async def similar(self, item: str, n: int = 10, *, by: str | None = None) -> SimilarItems:
        """What goes with an item; `by` text, picture, behaviour or blend, or as every model together says."""
        return await self.send(calls.similar(item, n, by))

    async def search(
        self,
        q: str,
        n: int = 10,
        *,
        user: str | None = None,
        personal: float | None = None,
        filter: Mapping[str, Any] | None = None,
        remember: bool | None = None,
    ) -> SearchResults:
        """Items that answer a question; for a `user`, in the order they like, and remembered if both sides say so."""
        more = {"n": n, "user": user, "personal": personal, "filter": filter, "remember": remember}
        return await self.send(calls.search(q, more))

    async def search_picture(
        self, picture: bytes, n: int = 10, *, filter: Mapping[str, Any] | None = None
    ) -> SearchResults:
        """Items that look like a picture: the bytes of a JPEG, PNG, WebP or GIF file."""
        return await self.send(calls.search_picture(picture, n, filter))

    async def items(self, n: int = 24) -> list[Item]:
        """Items, most popular first."""
        return (await self.send(calls.items(n))).items

    async def item(self, item: str) -> Item:
        return await self.send(calls.item(item))

    async def put_item(self, item: str, columns: Mapping[str, Any], *, hidden: bool = False) -> ItemPut:
        """A new item, or all that is known of an old one; offered within a second. `remarks` say what filters miss."""
        return await self.send(calls.put_item(item, columns, hidden))

    async def delete_item(self, item: str) -> bool:
        """Offered to nobody from now on; False if there was no such item."""
        return (await self.send(calls.delete_item(item))).deleted

    async def user(self, user: str) -> UserOut:
        return await self.send(calls.user(user))

    async def put_user(self, user: str, columns: Mapping[str, Any]) -> UserOut:
        return await self.send(calls.put_user(user, columns))

    async def erase_user(self, user: str) -> ReceiptOut:
        """Every trace of the person goes; keep the receipt."""
        return await self.send(calls.erase_user(user))

    async def profile(self, user: str, n: int = 50) -> Profile:
        """What a person did, newest first."""
        return await self.send(calls.profile(user, n))

    async def export(self, user: str) -> Export:
        """All that is kept of one person, for that person."""
        return await self.send(calls.export(user))

    async def less(self, user: str, item: str) -> LessOut:
        """The person wants less of this."""
        return await self.send(calls.less(user, item))

    async def forget(self, user: str, item: str, *, kind: str | None = None, time: str | None = None) -> int:
        """Take an item, or one entry of it, out of a history; how many entries went."""
        return (await self.send(calls.forget(user, item, kind, time))).removed

    async def reset(self, user: str) -> int:
        """Take everything out of a history; how many entries went."""
        return (await self.send(calls.reset(user))).removed

    async def models(self) -> Models:
        return await self.send(calls.models())

    async def activate(self, version: str) -> Activated:
        """Put another bundle to use; `before` of the answer is the way back."""
        return await self.send(calls.activate(version))

    async def ready(self) -> Readiness:
        return await self.send(calls.ready())
