"""People: what they did, what is known of them, and how they take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from foretaste.api import (
    EventIn,
    Export,
    HistoryEvent,
    HistoryRemoved,
    Item,
    LessOut,
    Profile,
    ReceiptOut,
    UserOut,
    Users,
    UserSummary,
    format_time,
)
from foretaste.data.kinds import DISLIKE
from foretaste.errors import UnknownNameError
from foretaste.events.model import SEARCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from foretaste.api import EventsOut, LessIn, UserIn
    from foretaste.events.protocols import EventStore
    from foretaste.serving.answering.answer_recorder import AnswerRecording
    from foretaste.serving.world.world import World


class UserService:
    """Everything the service does with people by name. Keeps nothing itself: the store is asked each time."""

    def __init__(
        self,
        store: EventStore,
        world: Callable[[], World],
        record: Callable[[Sequence[EventIn]], EventsOut],
        answers: AnswerRecording,
    ) -> None:
        """world   : the one in use
        record  : keeps events
        answers : what was recorded of the answers people got
        """
        self._store = store
        self._world = world
        self._record = record
        self._answers = answers

    def latest(self, n: int = 20) -> Users:
        """Who was active last."""
        found = self._store.users(n)
        return Users.model_construct(
            users=[UserSummary.model_construct(id=user, events=events) for user, events in found]
        )

    def profile(self, user: str, n: int = 50) -> Profile:
        """What a person did, newest first; an unknown person simply did nothing yet."""
        world = self._world()
        past = self._store.history(user, last=n)
        history = []
        for item, kind, moment, value in zip(past.item, past.kind, past.time, past.value, strict=True):
            known = world.described(item) if kind != SEARCHED else Item.model_construct(id=item, title=item, columns={})
            event = HistoryEvent.model_construct(
                item=item,
                title=known.title,
                kind=kind,
                time=None if moment is None else format_time(moment),
                value=value,
                columns=known.columns,
            )
            history.append(event)
        return Profile.model_construct(user=user, events=self._store.count(user), history=history[::-1])

    def get(self, user: str) -> UserOut:
        columns = self._store.user(user)
        if columns is None:
            raise UnknownNameError(f"Nobody is called '{user}'; events or PUT /v1/users/… make a person known.")
        return UserOut.model_construct(id=user, events=self._store.count(user), columns=columns)

    def put(self, user: str, given: UserIn) -> UserOut:
        self._store.put_user(user, given.columns)
        return UserOut.model_construct(id=user, events=self._store.count(user), columns=given.columns)

    def less(self, user: str, wish: LessIn) -> LessOut:
        """Never this item again, and less of what is like it."""
        event = EventIn(id=wish.id or f"less-{uuid4().hex}", user=user, item=wish.item, kind=DISLIKE)
        (result,) = self._record([event]).results
        return LessOut.model_construct(user=user, item=wish.item, status=result.status)

    def forget(self, user: str, item: str, kind: str | None, time: int | None) -> HistoryRemoved:
        return HistoryRemoved.model_construct(user=user, removed=self._store.forget(user, item, kind, time))

    def reset(self, user: str) -> HistoryRemoved:
        removed = self._store.reset(user)
        self._answers.forget(user)
        return HistoryRemoved.model_construct(user=user, removed=removed)

    def erase(self, user: str) -> ReceiptOut:
        receipt = self._store.erase(user).to_json()
        receipt["found"]["answers"] = self._answers.forget(user)
        return ReceiptOut.model_construct(**{name: receipt[name] for name in ("id", "at", "found", "remarks")})

    def export(self, user: str) -> Export:
        if (found := self._store.export_person(user)) is None:
            raise UnknownNameError(f"Nothing is kept of anybody called '{user}'.")
        return Export.model_construct(**found, answers=self._answers.of_person(user))
