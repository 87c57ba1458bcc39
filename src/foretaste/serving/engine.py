"""Answers requests from a bundle and an event store: names in, names out, and nothing of HTTP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Self
from uuid import uuid4

import numpy as np

from foretaste.events.model import Event, Past
from foretaste.events.sqlite import SqliteStore
from foretaste.pipeline.bundle import load_current
from foretaste.serving.answers import recommended_items, scored_items, trace_steps
from foretaste.serving.catalogue import Catalogue
from foretaste.serving.leaderboards import known_models
from foretaste.serving.schemas import (
    BadEvent,
    EventIn,
    EventResult,
    EventsOut,
    GuestIn,
    HistoryEvent,
    Item,
    Items,
    Models,
    People,
    Person,
    Profile,
    Recommendations,
    SimilarItems,
    written_time,
)
from foretaste.types import NO_USER, Queries, Ragged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.events.model import EventStore
    from foretaste.pipeline.bundle import Bundle
    from foretaste.types import BoolArray, History

MAX_HISTORY = 10_000
"""The latest events of a person that an answer is made from; nothing older is even hidden."""


class Engine:
    """Thread-safe: the store is, and a catalogue never changes."""

    def __init__(self, bundle: Bundle, store: EventStore) -> None:
        self.store = store
        self._catalogue = Catalogue.of(bundle)

    @classmethod
    def of_project(cls, folder: Path) -> Self:
        """The bundle in use and the log of a project folder."""
        bundle = load_current(folder / "bundles")
        return cls(bundle, SqliteStore(folder / "events.db"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def use(self, bundle: Bundle) -> None:
        """Answer from this bundle from now on; requests under way finish with the one they began with."""
        self._catalogue = Catalogue.of(bundle)

    @property
    def version(self) -> str:
        return self._catalogue.bundle.version

    def record(self, given: Sequence[EventIn | BadEvent]) -> EventsOut:
        """Keep events; what is acknowledged is on disk, and the next answer knows of it."""
        catalogue = self._catalogue
        first_kind = catalogue.bundle.kinds.names[0]
        now = time.time_ns() // 1000
        events = [_event(event, first_kind, now) for event in given if isinstance(event, EventIn)]
        outcomes = iter(zip(events, self.store.append(events), strict=True) if events else ())
        results = []
        for event in given:
            if isinstance(event, BadEvent):
                results.append(EventResult.model_construct(id=event.id, status="rejected", why=event.why))
                continue
            kept, (status, why) = next(outcomes)
            if status == "accepted":
                why = _note(kept, catalogue)
            results.append(EventResult.model_construct(id=event.id, status=status, why=why))
        accepted = sum(result.status == "accepted" for result in results)
        return EventsOut.model_construct(accepted=accepted, results=results)

    def for_user(self, user: str, n: int = 10, *, explain: bool = False) -> Recommendations:
        """The n best items for a person now; what is popular for one without history."""
        catalogue = self._catalogue
        history, _ = catalogue.history(self.store.history(user, last=MAX_HISTORY))
        return _answer(catalogue, history, n, user=user, explain=explain)

    def for_guest(self, asked: GuestIn) -> Recommendations:
        """The same for somebody who brings their history along."""
        catalogue = self._catalogue
        past = _past(asked, catalogue.bundle.kinds.names[0])
        history, known = catalogue.history(past)
        excluded = catalogue.mask(asked.exclude or ())
        answer = _answer(
            catalogue,
            history,
            asked.n,
            user=None,
            explain=asked.explain,
            exclude=Ragged.from_rows([np.flatnonzero(excluded).astype(np.int32)]) if asked.exclude else None,
            allowed=None if asked.allowed is None else catalogue.mask(asked.allowed),
        )
        answer.ignored = list(dict.fromkeys(item for item, used in zip(past.item, known, strict=True) if not used))
        return answer

    def similar(self, item: str, n: int = 10) -> SimilarItems:
        """What goes with an item."""
        catalogue = self._catalogue
        code = catalogue.code(item)
        found = catalogue.bundle.pipeline.similar(np.array([code], np.int32), n)
        return SimilarItems.model_construct(
            item=catalogue.item(code), version=catalogue.bundle.version, items=scored_items(catalogue, found)
        )

    def item(self, item: str) -> Item:
        catalogue = self._catalogue
        return catalogue.item(catalogue.code(item))

    def popular(self, n: int = 24) -> Items:
        """What most people want: for a guest to choose from."""
        catalogue = self._catalogue
        return Items.model_construct(items=[catalogue.item(code) for code in catalogue.popular[:n].tolist()])

    def people(self, n: int = 20) -> People:
        """Who was active last."""
        return People.model_construct(
            users=[Person.model_construct(id=user, events=events) for user, events in self.store.users(n)]
        )

    def profile(self, user: str, n: int = 50) -> Profile:
        """What a person did, newest first; an unknown person simply did nothing yet."""
        catalogue = self._catalogue
        past = self.store.history(user, last=n)
        events = zip(past.item, past.kind, past.time, past.value, strict=True)
        history = [
            HistoryEvent.model_construct(
                item=item,
                title=catalogue.title_of(item),
                kind=kind,
                time=None if moment is None else written_time(moment),
                value=value,
                columns=catalogue.columns_of(item),
            )
            for item, kind, moment, value in events
        ]
        return Profile.model_construct(user=user, events=self.store.count(user), history=history[::-1])

    def models(self) -> Models:
        """Every bundle beside the one in use, the newest first."""
        bundle = self._catalogue.bundle
        return Models.model_construct(active=bundle.version, models=known_models(bundle.folder.parent))

    def check_ready(self) -> None:
        """Raises StoreError when the log cannot be read."""
        _ = self.store.position


def _event(given: EventIn, first_kind: str, now: int) -> Event:
    stamped = given.time is None
    moment = now if given.time is None else given.time
    value = 1.0 if given.value is None else given.value
    return Event(given.id, given.user, given.item, given.kind or first_kind, moment, value, stamped)


def _note(event: Event, catalogue: Catalogue) -> str | None:
    """What to know about an event that was kept all the same."""
    if event.item not in catalogue.code_of:
        return f"Kept; no item is called '{event.item}' yet, so it counts once a model has learned from it."
    if event.kind not in catalogue.kind_code_of:
        known = ", ".join(catalogue.kind_code_of)
        return f"Kept; no kind is called '{event.kind}' yet (known: {known}), so it counts after the next training."
    return None


def _past(asked: GuestIn, first_kind: str) -> Past:
    """A guest's history in order of time where every event has one, else as it was sent."""
    events = asked.history
    times = [event.time for event in events if event.time is not None]
    if len(times) == len(events):
        events = [events[i] for i in np.argsort(np.array(times, np.int64), kind="stable")]
    return Past(
        [event.item for event in events],
        [event.kind or first_kind for event in events],
        [event.time for event in events],
        [1.0 if event.value is None else event.value for event in events],
    )


def _answer(
    catalogue: Catalogue,
    history: History,
    n: int,
    *,
    user: str | None,
    explain: bool,
    exclude: Ragged | None = None,
    allowed: BoolArray | None = None,
) -> Recommendations:
    asked_at = None
    if history.time is not None:
        # A client's clock may run ahead of ours; what it told us has happened all the same.
        asked_at = np.array([max(time.time_ns() // 1000, int(history.time.max(initial=0)))], np.int64)
    # The log knows people by name and a bundle has no names, so that everybody is answered from their history.
    queries = Queries(np.array([NO_USER], np.int32), history, asked_at, visitor=(user,))
    answer = catalogue.bundle.pipeline.answer(queries, n, exclude=exclude, allowed=allowed, explain=explain)
    result = Recommendations.model_construct(
        user=user,
        recommendation_id=uuid4().hex,
        version=catalogue.bundle.version,
        degraded=answer.degraded,
        events_used=len(history.items),
        items=recommended_items(catalogue, answer),
    )
    if explain:
        result.trace = trace_steps(answer.trace)
    return result
