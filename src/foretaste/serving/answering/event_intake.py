"""Stores events from clients and returns a result for each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from foretaste.api import (
    EventIn,
    EventResult,
    EventsOut,
    InvalidEvent,
    ItemEventIn,
    SearchEventIn,
    UserEventIn,
)
from foretaste.data.kinds import DISLIKE, SHOWN
from foretaste.errors import DataError
from foretaste.events.model import SEARCHED, Event
from foretaste.serving.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.api import AnyEvent
    from foretaste.data.kinds import Kinds
    from foretaste.events.clock import Clock
    from foretaste.events.model import Outcome
    from foretaste.events.protocols import EventStore, LiveCatalogue, PeopleTable
    from foretaste.serving.config import KindNames
    from foretaste.serving.world.world import World


def record(given: Sequence[AnyEvent], store: EventStore, world: World, clock: Clock, words: KindNames) -> EventsOut:
    """Store events. An accepted event is on disk, and the next recommendation uses it."""
    kinds = world.catalogue.bundle.kinds
    now = clock.now()
    results: list[EventResult | None] = [None] * len(given)
    events: list[tuple[int, Event]] = []
    items: dict[str, tuple[int, ItemEventIn]] = {}
    for i, event in enumerate(given):
        if isinstance(event, InvalidEvent):
            results[i] = _result(event.id, "rejected", event.why)
        elif isinstance(event, ItemEventIn):
            items[event.item] = (i, event)
            remark = " ".join(world.catalogue.misfits(event.columns)) or None
            results[i] = _result(event.id, "accepted", remark)  # of two events of one item the last one counts
        elif isinstance(event, UserEventIn):
            results[i] = _put_user(event, store)
        elif event.time is not None and (why := clock.ahead(event.time)) is not None:
            results[i] = _result(event.id, "rejected", why)
        else:
            events.append((i, _event(event, words, kinds, now)))
    if items:
        _put_items(items, store, results)
    outcomes = store.append([event for _, event in events]) if events else []
    known_here = set(items)
    for (i, kept), outcome in zip(events, outcomes, strict=True):
        results[i] = _result(kept.id, outcome.status, _why(kept, outcome, world, known_here))
    whole = [result for result in results if result is not None]
    counts = Counter(result.status for result in whole)
    for status, count in counts.items():
        metrics.EVENTS.labels(status).inc(count)
    return EventsOut.model_construct(accepted=counts["accepted"], results=whole)


def _event(given: EventIn | SearchEventIn, words: KindNames, kinds: Kinds, now: int) -> Event:
    stamped = given.time is None
    moment = now if given.time is None else given.time
    if isinstance(given, SearchEventIn):
        return Event(given.id, given.user, given.text, SEARCHED, moment, 1.0, stamped)
    value = 1.0 if given.value is None else given.value
    kind = SHOWN if given.kind is None and given.type == "shown" else words.kind(given.kind, given.value, kinds)
    return Event(given.id, given.user, given.item, kind, moment, value, stamped, given.context)


def _put_items(
    items: dict[str, tuple[int, ItemEventIn]], store: LiveCatalogue, results: list[EventResult | None]
) -> None:
    store.put_items({name: event.columns for name, (_, event) in items.items()})
    for name, (_, event) in items.items():
        record = store.item(name)
        if record is not None and record.hidden != event.hidden:
            store.hide_item(name, event.hidden)


def _put_user(event: UserEventIn, store: PeopleTable) -> EventResult:
    try:
        store.put_user(event.user, event.columns)
    except DataError as error:
        return _result(event.id, "rejected", str(error))
    return _result(event.id, "accepted")


def _why(event: Event, outcome: Outcome, world: World, new: set[str]) -> str | None:
    """Why an event was not stored; or a remark about a stored one; None where there is nothing to say."""
    if outcome.status != "accepted" or event.kind == SEARCHED:
        return outcome.why
    if event.item not in world.catalogue.code_of and event.item not in world.records and event.item not in new:
        return f"Stored; no item is called '{event.item}' yet, so it counts once a model was trained with it."
    kinds = world.catalogue.kind_code_of
    if event.kind not in kinds and event.kind not in (SHOWN, DISLIKE):
        known = ", ".join(kinds)
        return f"Stored; no kind is called '{event.kind}' yet (known: {known}), so it counts after the next training."
    return None


def _result(event_id: str | None, status: str, why: str | None = None) -> EventResult:
    return EventResult.model_construct(id=event_id, status=status, why=why)  # type: ignore[arg-type]  # a Status
