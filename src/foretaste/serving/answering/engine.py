"""Answers requests from a bundle and an event store: names in, names out, and nothing of HTTP."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import numpy as np

from foretaste.api import (
    Activated,
    BatchIn,
    BatchOut,
    EventsOut,
    GuestIn,
    Item,
    ItemDeleted,
    ItemIn,
    ItemPut,
    Items,
    Models,
    Profile,
    RankIn,
    Recommendations,
    SearchEventIn,
    SimilarItems,
    Users,
)
from foretaste.errors import BundleError, StoreError, UnknownNameError
from foretaste.events.answer_log import AnswerLog
from foretaste.events.clock import Clock
from foretaste.events.model import SEARCHED
from foretaste.events.opening import open_store
from foretaste.pipeline.bundle import current_version
from foretaste.serving.answering.answer_recorder import AnswerRecorder, AnswerRecording
from foretaste.serving.answering.bundle_list import known_models
from foretaste.serving.answering.event_intake import record
from foretaste.serving.answering.feedback import SEARCHES_READ
from foretaste.serving.answering.items_out import scored, scored_items
from foretaste.serving.answering.list_builder import MAX_HISTORY, ListMaker, Moment
from foretaste.serving.answering.questions import UserAsks, answered, knowing, told, worded
from foretaste.serving.answering.users import UserService
from foretaste.serving.config import KindNames, ServiceConfig
from foretaste.serving.settings import Limits
from foretaste.serving.telemetry.metrics import LISTS
from foretaste.serving.world.cursors import read_cursor
from foretaste.serving.world.manager import Worlds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foretaste.api import AnyEvent
    from foretaste.events.protocols import EventStore
    from foretaste.pipeline.bundle import Bundle
    from foretaste.serving.answering.questions import Question
    from foretaste.serving.world.world import World

SAME_SEARCH = 600_000_000
"""µs within which the same words of the same person are one search."""
log = logging.getLogger("foretaste.serving")


class Engine:
    """Thread-safe: the store is, and a world never changes."""

    def __init__(
        self,
        bundle: Bundle | None,
        store: EventStore,
        config: ServiceConfig | None = None,
        *,
        bundles: Path | None = None,
        keep_versions: int = 1,
        answer_seconds: float = Limits().answer_seconds,
        project: Path | None = None,
        words: KindNames | None = None,
    ) -> None:
        """With a bundle it is ready at once; with a folder of bundles it follows what that folder says is in use.

        words   : what the shop calls the kinds of events
        project : the folder in which answers are written down once it is started; None writes down nothing
        """
        self.store = store
        self._project = project
        self.config = config or ServiceConfig()
        self._words = words or KindNames()
        folder = bundles if bundles is not None or bundle is None else bundle.folder.parent
        self.worlds = Worlds(store, self.config, folder, keep_versions, follow=bundles is not None)
        self._answers = AnswerRecording()
        self.users = UserService(store, lambda: self.world, self.record, self._answers)
        self._clock = Clock(store.last_stamp())
        self._lists = ListMaker(self.config, answer_seconds)
        if bundle is not None:
            self.worlds.use(bundle)

    @classmethod
    def of_project(
        cls, folder: Path, *, wait: bool = True, limits: Limits | None = None, keep_versions: int = 1
    ) -> Self:
        """The bundle in use and the log of a project folder; `wait=False` leaves the loading to `start`."""
        if current_version(folder / "bundles") is None:
            if not (folder / "foretaste.toml").exists():
                raise BundleError(
                    f"{folder.resolve()} is no project: it has no foretaste.toml; name the project's folder with -p."
                )
            raise BundleError(f"No bundle is in use in {folder / 'bundles'}; run `foretaste train -p {folder}` first.")
        config, words = ServiceConfig.of_project(folder), KindNames.of_project(folder)
        store = open_store(None, folder)
        seconds = (limits or Limits()).answer_seconds
        engine = cls(
            None,
            store,
            config,
            bundles=folder / "bundles",
            keep_versions=keep_versions,
            answer_seconds=seconds,
            project=folder,
            words=words,
        )
        if wait:
            try:
                engine.worlds.load_current()
            except BaseException:
                store.close()
                raise
        return engine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.store.close()

    def start(self) -> None:
        """Follow the log and the bundles from now on, and write down what is answered where there is a project."""
        if self._project is not None and self.config.answers_kept:
            self.keep_answers(AnswerLog(self._project))
        self.worlds.start()

    def stop(self) -> None:
        self.worlds.stop()
        self._answers.close()

    def keep_answers(self, book: AnswerLog) -> AnswerRecorder:
        """Write down from now on what answers are to be given again from."""
        recorder = AnswerRecorder(book, self.config)
        self.worlds.on_changes(recorder.changes)
        self._answers.begin(recorder)
        return recorder

    def use(self, bundle: Bundle) -> None:
        """Answer from this bundle from now on; requests under way finish with the one they began with."""
        self.worlds.use(bundle)

    @property
    def world(self) -> World:
        return self.worlds.now

    @property
    def version(self) -> str:
        return self.world.version

    def check_ready(self) -> None:
        """Raises StoreError when the log cannot be read, NotReadyError while not even the fallback is loaded."""
        _ = self.store.position
        _ = self.world

    def record(self, given: Sequence[AnyEvent]) -> EventsOut:
        """Keep events; what is acknowledged is on disk, and the next answer knows of it."""
        result = record(given, self.store, self.world, self._clock, self._words)
        if any(event.__class__.__name__ == "ItemEventIn" for event in given):
            self.worlds.follow()
        return result

    def remember_search(self, user: str, text: str) -> bool:
        """Write a search into the log, where the project allows that; whether it is there. Said again within ten
        minutes it is the same search still."""
        if not self.config.remember_searches:
            return False
        now = self._clock.now()
        past = self.store.history(user, last=SEARCHES_READ)
        recent = zip(past.item, past.kind, past.time, strict=True)
        if any(i == text and k == SEARCHED and (t or 0) > now - SAME_SEARCH for i, k, t in recent):
            return True
        try:
            (result,) = self.record([SearchEventIn(id=uuid4().hex, type="search", user=user, text=text)]).results
        except StoreError as error:
            log.warning("A search was not remembered: %s", type(error).__name__)
            return False
        return result.status == "accepted"

    # ---- lists

    def for_user(
        self,
        user: str,
        n: int = 10,
        *,
        explain: bool = False,
        scene: str | None = None,
        filter: Mapping[str, Any] | None = None,
        cursor: str | None = None,
    ) -> Recommendations:
        """The n best items for a person now; what is popular for one without history."""
        asks = UserAsks.model_construct(
            user=user, n=n, explain=explain, scene=scene, filter=dict(filter or {}), cursor=cursor
        )
        return self._answer(asks, self._world_of(cursor), scene)

    def for_users(self, asked: BatchIn) -> BatchOut:
        """The same for several people, by one bundle."""
        world = self.world
        said: dict[str, Any] = {"n": asked.n, "explain": asked.explain, "scene": asked.scene, "filter": asked.filter}
        each = (UserAsks.model_construct(user=user, cursor=None, **said) for user in asked.users)
        return BatchOut.model_construct(answers=[self._answer(asks, world, asked.scene) for asks in each])

    def for_guest(self, asked: GuestIn) -> Recommendations:
        """The same for somebody who brings their history along."""
        return self._answer(asked, self._world_of(asked.cursor), asked.scene)

    def rank(self, asked: RankIn) -> Recommendations:
        """These items in the order in which they suit a person; what cannot be offered is named in `ignored`."""
        return self._answer(asked, self.world, "rank")

    def _world_of(self, cursor: str | None) -> World:
        return self.world if cursor is None else self.worlds.of_version(read_cursor(cursor).version)

    def _answer(self, question: Question, world: World, scene: str | None) -> Recommendations:
        question = knowing(worded(question, world, self._words), world, self.store)
        user, past = told(question, world)
        if past is None:
            assert user is not None
            past = self.store.history(user, last=MAX_HISTORY)
        moment = Moment.now()
        made = answered(self._lists, world, question, past, moment)
        self._answers.note(made, question, world, past, moment, user)
        return self._counted(made.answer, scene)

    @staticmethod
    def _counted(made: Recommendations, scene: str | None) -> Recommendations:
        LISTS.labels(scene or "", str(made.degraded).lower()).inc()
        return made

    # ---- the catalogue

    def similar(self, item: str, n: int = 10) -> SimilarItems:
        """What goes with an item; with one that no model knows yet, what its words are like."""
        world = self.world
        known = world.item(item)
        code = world.catalogue.code_of.get(item)
        built = partial(SimilarItems.model_construct, item=known, version=world.version)
        if code is not None:
            found = world.pipeline().similar(np.array([code], np.int32), n, allowed=world.allowed({}))
            return built(items=scored_items(world, found))
        terms = world.catalogue.terms
        likeness = terms.like(terms.vectors([world.records[item].columns]))  # all of them, the title too
        if (allowed := world.allowed_of_bundle({})) is not None:
            likeness[~allowed] = 0
        best = np.argsort(-likeness, kind="stable")[:n]
        best = best[likeness[best] > 0]
        return built(
            items=[scored(i, float(likeness[c])) for i, c in zip(world.items(best.tolist()), best, strict=True)]
        )

    def item(self, item: str) -> Item:
        return self.world.item(item)

    def put_item(self, item: str, given: ItemIn) -> ItemPut:
        """Offered from now on here, and within a second by every other worker."""
        if given.hidden and self.store.item(item) is not None:
            self.store.hide_item(item)  # first, lest it be seen in between
        self.store.put_items({item: given.columns})
        record = self.store.item(item)
        if record is not None and record.hidden != given.hidden:
            self.store.hide_item(item, given.hidden)
        self.worlds.follow()
        world = self.world
        known = world.item(item)
        if not (said := world.catalogue.misfits(given.columns)):
            return ItemPut.model_construct(known.model_fields_set, **dict(known))
        return ItemPut.model_construct({*known.model_fields_set, "remarks"}, **dict(known), remarks=said)

    def delete_item(self, item: str) -> ItemDeleted:
        """Offered to nobody from now on; what people did with it stays in their histories."""
        self.worlds.follow()  # another worker may have heard of the item a moment ago
        world = self.world
        try:
            world.item(item)
        except UnknownNameError:
            return ItemDeleted.model_construct(id=item, deleted=False)
        if self.store.item(item) is None:  # known from the training alone; a deletion needs something to delete
            self.store.put_items({item: {}})
        self.store.delete_item(item)
        self.worlds.follow()
        return ItemDeleted.model_construct(id=item, deleted=True)

    def popular(self, n: int = 24) -> Items:
        """What most people want: for a guest to choose from."""
        world = self.world
        codes = world.catalogue.popular
        if world.hidden is not None:
            codes = codes[~world.hidden[codes]]
        return Items.model_construct(items=world.items(codes[:n].tolist()))

    # ---- people and models

    def people(self, n: int = 20) -> Users:
        return self.users.latest(n)

    def profile(self, user: str, n: int = 50) -> Profile:
        return self.users.profile(user, n)

    def models(self) -> Models:
        """Every bundle beside the one in use, the newest first."""
        bundle = self.world.catalogue.bundle
        return Models.model_construct(active=bundle.version, models=known_models(bundle.folder.parent))

    def activate(self, version: str) -> Activated:
        """Put another bundle to use; activating the one before is rolling back."""
        return Activated.model_construct(before=self.worlds.activate(version), active=version)
