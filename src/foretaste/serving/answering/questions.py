"""One question for a list as a value, and the answer to it: a pure function of the question, a world, a past, a moment.

Nothing else may matter, for that is what makes a past answer possible to give again (replaying.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from foretaste.api import GuestIn, RankIn
from foretaste.events.model import Past
from foretaste.serving.answering.feedback import parted
from foretaste.serving.answering.liked_labels import joined, liked
from foretaste.serving.answering.list_builder import Asked
from foretaste.serving.world.cursors import read_cursor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foretaste.api import PastEvent
    from foretaste.events.protocols import PeopleTable
    from foretaste.serving.answering.list_builder import ListMaker, Made, Moment
    from foretaste.serving.config import KindNames
    from foretaste.serving.world.world import World


class UserAsks(BaseModel):
    """GET /v1/users/{id}/recommendations, or one person of a batch."""

    user: str
    n: int = 10
    explain: bool = False
    scene: str | None = None
    filter: dict[str, Any] | None = None
    cursor: str | None = None
    columns: dict[str, Any] | None = None


Question = UserAsks | GuestIn | RankIn
KINDS: dict[str, type[Question]] = {"user": UserAsks, "guest": GuestIn, "rank": RankIn}


class Told(NamedTuple):
    """Of whom a question is, and what of their past came along with it."""

    user: str | None
    past: Past | None
    """None where it is in the log."""


def told(question: Question, world: World) -> Told:
    if isinstance(question, UserAsks):
        return Told(question.user, None)
    user = question.user if isinstance(question, RankIn) else None
    return Told(user, None if user is not None else brought(question.history or [], world))


def knowing(question: Question, world: World, store: PeopleTable) -> Question:
    """The question with what is known of the person, as far as the models of this world read it.

    It is a part of the question from then on: what `PUT /v1/users/{id}` says later changes no past answer.
    """
    user = None if isinstance(question, GuestIn) else question.user
    read = world.catalogue.columns_read
    if user is None or not read:
        return question
    known = {name: value for name, value in (store.user(user) or {}).items() if name in read}
    return question.model_copy(update={"columns": {**known, **(question.columns or {})}}) if known else question


def worded(question: Question, world: World, words: KindNames) -> Question:
    """The question with the kinds that the shop's words for them mean, of a history that came along.

    They too are a part of it from then on: what foretaste.toml says later changes no past answer.
    """
    history = None if isinstance(question, UserAsks) else question.history
    if not history:
        return question
    kinds = world.catalogue.bundle.kinds
    meant = [event.model_copy(update={"kind": words.kind(event.kind, event.value, kinds)}) for event in history]
    return question.model_copy(update={"history": meant})


def answered(lists: ListMaker, world: World, question: Question, past: Past, moment: Moment) -> Made:
    """The whole answer, as it is sent."""
    past, searches = parted(past)
    columns = {n: v for n, v in (question.columns or {}).items() if n in world.catalogue.columns_read}
    if isinstance(question, RankIn):
        return _ranked(lists, world, question, past, moment, searches, columns)
    asked = Asked(
        n=question.n,
        explain=question.explain,
        scene=question.scene,
        filter=question.filter or {},
        cursor=None if question.cursor is None else read_cursor(question.cursor),
        columns=columns,
    )
    if isinstance(question, UserAsks):
        return lists.make(world, past, asked, user=question.user, moment=moment, searches=searches)
    asked = asked._replace(exclude=question.exclude or (), allowed=question.allowed)
    made = _liking(lists, world, question.likes, past, asked, moment)
    new = world.new_code
    unknown = (item for item, used in zip(past.item, made.known, strict=True) if not used and item not in new)
    made.answer.ignored = list(dict.fromkeys(unknown))
    return made


def _liking(lists: ListMaker, world: World, likes: Sequence[str], past: Past, asked: Asked, moment: Moment) -> Made:
    """The list of a guest; with `likes`, as if they had taken what stands for these before all that they did.

    What stands for a label was never taken, so it is not hidden, and may well come first in the list.
    """
    if not likes:
        return lists.make(world, past, asked, user=None, moment=moment)
    said = liked(likes, past, world, lists.config)
    hiding = lists.hiding(world, asked.scene)
    done = (item for item, kind in zip(past.item, past.kind, strict=True) if kind in hiding)
    asked = asked._replace(likes=said.labels, exclude=[*asked.exclude, *done])
    made = lists.make(world, joined(said.past, past), asked, user=None, moment=moment, hides=())
    known = made.known[len(said.past) :]
    made.answer.events_used = int(known.sum())
    return made._replace(known=known)


def _ranked(
    lists: ListMaker,
    world: World,
    question: RankIn,
    past: Past,
    moment: Moment,
    searches: tuple[str, ...],
    columns: Mapping[str, Any],
) -> Made:
    items = list(dict.fromkeys(question.items))
    asked = Asked(n=len(items), explain=question.explain, allowed=items, pages=False, columns=columns)
    made = lists.make(world, past, asked, user=question.user, hides=(), moment=moment, searches=searches)
    there = {item.id for item in made.answer.items}
    made.answer.ignored = [item for item in items if item not in there]
    return made


def brought(given: Sequence[PastEvent], world: World) -> Past:
    """A guest's history in order of time where every event has one, else as it was sent."""
    events = list(given)
    kinds = world.catalogue.bundle.kinds
    usual_kind = kinds.names[kinds.usual]
    times = [event.time for event in events if event.time is not None]
    if len(times) == len(events):
        events = [events[i] for i in np.argsort(np.array(times, np.int64), kind="stable")]
    return Past(
        [event.item for event in events],
        [event.kind or usual_kind for event in events],
        [event.time for event in events],
        [1.0 if event.value is None else event.value for event in events],
    )
