"""Users: their history, attributes, dislikes, export and erasure."""

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
    """All operations of the service on one user. Holds no state; every call reads the store."""

    def __init__(
        self,
        store: EventStore,
        world: Callable[[], World],
        record: Callable[[Sequence[EventIn]], EventsOut],
        answers: AnswerRecording,
    ) -> None:
        """world   : returns the world in use
        record  : stores events
        answers : the recorded answers of users
        """
        self._store = store
        self._world = world
        self._record = record
        self._answers = answers

    def latest(self, n: int = 20) -> Users:
        """The n most recently active users."""
        found = self._store.users(n)
        return Users.model_construct(
            users=[UserSummary.model_construct(id=user, events=events) for user, events in found]
        )

    def profile(self, user: str, n: int = 50) -> Profile:
        """The latest n events, newest first; empty for an unknown user."""
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
        """Attributes and number of events; UnknownNameError for an unknown user."""
        columns = self._store.user(user)
        if columns is None:
            raise UnknownNameError(f"No user is called '{user}'; events or PUT /v1/users/… create one.")
        return UserOut.model_construct(id=user, events=self._store.count(user), columns=columns)

    def put(self, user: str, given: UserIn) -> UserOut:
        """Replace the attributes."""
        self._store.put_user(user, given.columns)
        return UserOut.model_construct(id=user, events=self._store.count(user), columns=given.columns)

    def less(self, user: str, wish: LessIn) -> LessOut:
        """Record a dislike: the item is never recommended again, similar items are ranked lower."""
        event = EventIn(id=wish.id or f"less-{uuid4().hex}", user=user, item=wish.item, kind=DISLIKE)
        (result,) = self._record([event]).results
        return LessOut.model_construct(user=user, item=wish.item, status=result.status)

    def forget(self, user: str, item: str, kind: str | None, time: int | None) -> HistoryRemoved:
        return HistoryRemoved.model_construct(user=user, removed=self._store.forget(user, item, kind, time))

    def reset(self, user: str) -> HistoryRemoved:
        """Remove the whole history and the recorded answers."""
        removed = self._store.reset(user)
        self._answers.forget(user)
        return HistoryRemoved.model_construct(user=user, removed=removed)

    def erase(self, user: str) -> ReceiptOut:
        """Erase all data of the user; returns the receipt."""
        receipt = self._store.erase(user).to_json()
        receipt["found"]["answers"] = self._answers.forget(user)
        return ReceiptOut.model_construct(**{name: receipt[name] for name in ("id", "at", "found", "remarks")})

    def export(self, user: str) -> Export:
        """All data stored about the user; UnknownNameError where there is none."""
        if (found := self._store.export_person(user)) is None:
            raise UnknownNameError(f"Nothing is stored about a user '{user}'.")
        return Export.model_construct(**found, answers=self._answers.of_person(user))
