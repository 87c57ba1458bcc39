"""One list for one user: past and request turned into a query, the pipeline asked, the answer written in names."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import numpy as np

from foretaste.api import Recommendations
from foretaste.api.limits import MAX_N
from foretaste.errors import DataError, did_you_mean
from foretaste.serving.answering.feedback import feedback
from foretaste.serving.answering.items_out import recommended_items, trace_steps
from foretaste.serving.config import SceneConfig, ServiceConfig
from foretaste.serving.world.cursors import Cursor
from foretaste.types import NO_USER, Queries, Ragged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from foretaste.api import RecommendedItem
    from foretaste.events.model import Past
    from foretaste.pipeline.config import StageConfig
    from foretaste.pipeline.trace import Outcome
    from foretaste.serving.answering.feedback import Feedback
    from foretaste.serving.world.world import World
    from foretaste.types import BoolArray, History

PLAIN = SceneConfig()
NOTHING: Mapping[str, Any] = {}
NO_LIKES: Mapping[int, str] = {}
MAX_HISTORY = 10_000
"""The latest events of a person that an answer is made from; nothing older is even hidden."""


class Asked(NamedTuple):
    """What a client wants, apart from for whom."""

    n: int = 10
    explain: bool = False
    scene: str | None = None
    filter: Mapping[str, Any] = NOTHING
    exclude: Sequence[str] = ()
    allowed: Sequence[str] | None = None
    cursor: Cursor | None = None
    pages: bool = True
    """Whether a cursor is wanted at all."""
    columns: Mapping[str, Any] = NOTHING
    """What is known of the person beside what they did, as far as the models read it."""
    likes: Mapping[int, str] = NO_LIKES
    """By code of an item that was not taken, and is not hidden, but stands for it: a label the person likes."""


class Moment(NamedTuple):
    """When an answer is given, and by what name it goes.

    at      : µs since 1970 UTC; nothing later may be used, and nothing else looks at a clock
    id      : the recommendation_id
    left_out : steps that are left out, and why, where an answer is given again that went without them
    """

    at: int
    id: str
    left_out: Mapping[str, Outcome] = {}

    @classmethod
    def now(cls) -> Moment:
        return cls(time.time_ns() // 1000, uuid4().hex)


class Made(NamedTuple):
    """answer  : as it is sent
    known   : (L,) which events of the past the models could use
    left_out : steps that were left out, and why
    """

    answer: Recommendations
    known: BoolArray
    left_out: Mapping[str, Outcome]


class ListMaker:
    """Makes lists in a world, by the settings of the project. Keeps nothing of anybody."""

    def __init__(self, config: ServiceConfig, answer_seconds: float | None = None) -> None:
        self.config = config
        self.answer_seconds = answer_seconds
        self._turn = Lock()
        self._stages: dict[str | None, tuple[tuple[StageConfig, ...], str]] = {}

    def make(
        self,
        world: World,
        past: Past,
        asked: Asked,
        *,
        user: str | None,
        moment: Moment | None = None,
        hides: tuple[str, ...] | None = None,
        searches: tuple[str, ...] = (),
    ) -> Made:
        """The list of a moment, of now where none is given; it follows from what is handed in and from nothing else.

        past     : what was done to items; searches are not
        hides    : kinds that hide an item, whatever scene and table say
        searches : what the person searched for lately, newest last
        """
        # Lists are made one after the other: two at once would take turns on Python's lock, and both would be late.
        with self._turn:
            return self._made(world, past, asked, user, moment or Moment.now(), hides, searches)

    def _made(
        self,
        world: World,
        past: Past,
        asked: Asked,
        user: str | None,
        moment: Moment,
        hides: tuple[str, ...] | None,
        searches: tuple[str, ...],
    ) -> Made:
        scene = self.scene(asked.scene)
        now = moment.at
        history, known = world.history(past)
        reactions = feedback(past)
        wanted = {**asked.filter, **scene.filter}
        allowed = self._allowed(world, asked, wanted)
        exclude = self._excluded(world, reactions, asked)
        queries = self._queries(world, history, reactions, now, searches, asked.columns)
        stages, key = self._stages_of(asked.scene)
        pipeline = world.pipeline(scene.hides if hides is None else hides, stages, key=key)
        if moment.left_out:
            pipeline = pipeline.without(moment.left_out)
        answer = pipeline.answer(
            queries,
            asked.n,
            exclude=exclude,
            allowed=allowed,
            explain=asked.explain,
            now=np.array([now], np.int64),
        )
        items = recommended_items(world, answer, asked.likes)
        made = Recommendations.model_construct(
            user=user,
            recommendation_id=moment.id,
            version=world.version,
            degraded=answer.degraded or world.partial,
            events_used=len(history.items),
            items=items,
        )
        if asked.pages:
            made.cursor = self._cursor(world, items, asked)
        if asked.explain:
            made.trace = trace_steps(answer.trace)
        left_out = {step.stage: step.outcome for step in answer.trace if step.outcome != "ran"}
        return Made(made, known, left_out)

    def _stages_of(self, scene: str | None) -> tuple[tuple[StageConfig, ...], str]:
        """The stages of a scene and their `repr`; made once, for they cost more than many a stage."""
        if (known := self._stages.get(scene)) is None:
            stages = self.config.stage_configs(scene)
            known = self._stages[scene] = stages, repr(stages)
        return known

    def scene(self, name: str | None) -> SceneConfig:
        if name is None:
            return PLAIN
        if (found := self.config.scenes.get(name)) is None:
            known = did_you_mean(name, self.config.scenes) if self.config.scenes else " This project has none."
            raise DataError(f"scene: no scene is called '{name}'.{known}")
        return found

    def hiding(self, world: World, scene: str | None) -> frozenset[str]:
        """The kinds of events that hide an item in a scene."""
        if (hides := self.scene(scene).hides) is not None:
            return frozenset(hides)
        return frozenset(kind.name for kind in world.pipeline().kinds.kinds if kind.hides_item)

    def _queries(
        self,
        world: World,
        history: History,
        reactions: Feedback,
        now: int,
        searches: tuple[str, ...],
        columns: Mapping[str, Any],
    ) -> Queries:
        asked_at = None
        if history.time is not None:
            # A client's clock may run ahead of ours; what it told us has happened all the same.
            asked_at = np.array([max(now, int(history.time.max(initial=0)))], np.int64)
        # The log knows people by name and a bundle has no names, so that everybody is answered from their history.
        return Queries(
            np.array([NO_USER], np.int32),
            history,
            asked_at,
            shown=reactions.impressions(world.codes([item for item, _ in reactions.shown])),
            disliked=reactions.rejected(world.codes(reactions.disliked)) if reactions.disliked else None,
            searches=(searches,) if searches else None,
            columns={name: _alone(value) for name, value in columns.items()},
            deadline_seconds=self.answer_seconds,
        )

    @staticmethod
    def _allowed(world: World, asked: Asked, wanted: Mapping[str, Any]) -> BoolArray | None:
        allowed = world.allowed(wanted)
        if asked.allowed is not None:
            named = world.mask(asked.allowed)
            allowed = named if allowed is None else allowed & named
        if asked.cursor is not None:
            fresh = ~np.isin(world.checksums, asked.cursor.shown)
            allowed = fresh if allowed is None else allowed & fresh
        return allowed

    @staticmethod
    def _excluded(world: World, reactions: Feedback, asked: Asked) -> Ragged | None:
        names = [*asked.exclude, *reactions.disliked]
        if not names:
            return None
        return Ragged.from_rows([np.flatnonzero(world.mask(names)).astype(np.int32)])

    @staticmethod
    def _cursor(world: World, items: list[RecommendedItem], asked: Asked) -> str | None:
        before = asked.cursor or Cursor(world.version, np.empty(0, np.uint32))
        if len(items) < asked.n or len(before.shown) + len(items) >= MAX_N:
            return None
        return before.and_then(item.id for item in items).text()


def _alone(value: Any) -> NDArray[Any]:
    """(1,) whatever it is; numpy would make an array of a list."""
    found = np.empty(1, object)
    found[0] = value
    return found
