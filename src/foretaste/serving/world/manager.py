"""Which world answers now, the ones kept for open pages, and how they follow the log and the folder of bundles."""

from __future__ import annotations

import gc
import logging
from contextlib import suppress
from threading import Event as Signal
from threading import Lock, Thread
from typing import TYPE_CHECKING

from foretaste.errors import BundleError, DataError, ForetasteError, UnknownNameError, did_you_mean
from foretaste.events.model import Mark
from foretaste.pipeline.bundle import activate, bundle_versions, current_version, load_bundle
from foretaste.protocols import Warmed
from foretaste.serving.errors import GoneError, NotReadyError
from foretaste.serving.telemetry import metrics
from foretaste.serving.telemetry.logs import where
from foretaste.serving.world.catalogue import Catalogue
from foretaste.serving.world.encode_new_items import AT_ONCE, warm
from foretaste.serving.world.fallback_bundle import load_fallback
from foretaste.serving.world.indexes import wants_index, with_indexes
from foretaste.serving.world.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from foretaste.events.model import ItemRecord
    from foretaste.events.protocols import EventLog
    from foretaste.pipeline.bundle import Bundle
    from foretaste.serving.config import ServiceConfig

log = logging.getLogger("foretaste.serving")
FOLLOW_SECONDS = 0.1
WARM_SECONDS = 5.0
"""After so long the language model that reads new items is loaded, where a bundle has one; others start first."""
WARMED = 200_000
"""Items whose words are read beforehand; of more, a minute of work and gigabytes wait until they are asked for."""
NO_EVENTS = 1 << 62
"""A place in the log that nothing lies behind: histories are read each time, so that events are no news to us."""


class Worlds:
    """Thread-safe: a world never changes, and exchanging one for another is one assignment.

    bundles : the folder bundles lie in; None where there is none
    keep    : so many worlds are kept beside the one in use, for pages that began in them
    follow  : whether the folder's `current` says which bundle to use; else whoever calls `use` does
    """

    def __init__(
        self, store: EventLog, config: ServiceConfig, bundles: Path | None, keep: int = 1, *, follow: bool = True
    ) -> None:
        self._store = store
        self._config = config
        self.bundles = bundles
        self._keep = keep
        self._follows = follow
        self._lock = Lock()  # of those who make a new world
        self._loading = Lock()
        self._worlds: dict[str, World] = {}  # oldest first; the last is in use
        self._now: World | None = None
        self._mark = Mark(seq=NO_EVENTS)
        self._records: dict[str, ItemRecord] = {}
        self._stop = Signal()
        self._thread: Thread | None = None
        self._to_read = Signal()
        self._refused: str | None = None
        self._told: Callable[[Iterable[ItemRecord]], None] = lambda items: None
        self.on_refused: Callable[[BundleError], None] = lambda error: None
        """Called when the first bundle cannot be used, and nothing but the fallback, or not even that, answers."""

    @property
    def now(self) -> World:
        if self._now is None:
            raise NotReadyError("The models are still being loaded; try again in a second.")
        return self._now

    def of_version(self, version: str) -> World:
        """The world a page began in."""
        if (found := self._worlds.get(version)) is None:
            raise GoneError("cursor: the bundle this list began with is no longer in memory; begin again without it.")
        return found

    def on_changes(self, told: Callable[[Iterable[ItemRecord]], None]) -> None:
        """Tell of every change of the catalogue from now on, and of all there were, before anybody is answered so."""
        with self._lock:
            told(self._records.values())
            self._told = told

    def use(self, bundle: Bundle, *, partial: bool = False) -> None:
        """Answer from this bundle from now on; requests under way finish with the one they began with."""
        self.follow()
        world = World(Catalogue.of(bundle), partial=partial)
        with self._lock:
            world = world.with_changes(self._records.values())
            self._worlds.pop(world.version, None)
            self._worlds[world.version] = world
            while len(self._worlds) > self._keep + 1:
                del self._worlds[next(iter(self._worlds))]
            self._now = world
        self._to_read.set()

    def follow(self) -> None:
        """Take in what changed in the catalogue, by whichever worker."""
        with self._lock:
            news = self._store.follow(self._mark, 1)
            if news.items:
                self._told(news.items)
                self._records |= {item.name: item for item in news.items}
                self._worlds = {version: world.with_changes(news.items) for version, world in self._worlds.items()}
                if self._now is not None:
                    self._now = self._worlds[self._now.version]
                metrics.CHANGES.inc(len(news.items))
                self._to_read.set()
            self._mark = news.mark._replace(seq=NO_EVENTS)

    def load_current(self) -> None:
        """Load the bundle in use, its fallback first, so that there is something to say meanwhile."""
        assert self.bundles is not None
        with self._loading:
            version = current_version(self.bundles)
            if version is None:
                raise BundleError(f"No bundle is in use in {self.bundles}; run `foretaste train` first.")
            if self._now is not None and self._now.version == version and not self._now.partial:
                return
            if self._now is None:
                with suppress(BundleError):  # what is wrong with it, the whole reading says better
                    self.use(load_fallback(self.bundles / version), partial=True)
            self._use_whole(load_bundle(self.bundles / version))
            metrics.RELOADS.labels("done").inc()
            log.info("Bundle %s answers.", version, extra={"version": version})

    def activate(self, version: str) -> str:
        """Put another bundle to use, here at once and in the other workers within a second; returns the one before.

        UnknownNameError if there is none of that name; BundleError if it is damaged, and then nothing changes.
        """
        before = self.now.version
        if self.bundles is None or version not in (there := bundle_versions(self.bundles)):
            there = there if self.bundles is not None else []
            raise UnknownNameError(f"No bundle is called '{version}'.{did_you_mean(version, there)}")
        with self._loading:
            bundle = load_bundle(self.bundles / version)
            activate(self.bundles, version)
            self._use_whole(bundle)
        metrics.RELOADS.labels("done").inc()
        return before

    def _use_whole(self, bundle: Bundle) -> None:
        """Answer from it at once; where its catalogue is large, through an index as soon as there is one."""
        for model in (bundle.pipeline.recalls or {}).values():
            if isinstance(model, Warmed):
                model.warm()
        above = self._config.approximate_above
        indexed = with_indexes(bundle, above)
        self.use(indexed)
        for said in out_of_step(self._config, self.now):
            log.warning("%s", said)
        if indexed is bundle and wants_index(bundle, above):
            Thread(target=self._build, args=(bundle,), name="foretaste-index", daemon=True).start()

    def _build(self, bundle: Bundle) -> None:
        try:
            indexed = with_indexes(bundle, self._config.approximate_above, build=True)
            if indexed is not bundle and self.now.version == bundle.version:
                self.use(indexed)
        except Exception as error:
            log.error("An index could not be built (%s); every item is looked at.", type(error).__name__)

    def start(self) -> None:
        """Follow from now on, in a thread of its own, until `stop`."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="foretaste-follow", daemon=True)
            self._thread.start()
            Thread(target=self._read_on, name="foretaste-newcomers", daemon=True).start()

    def read(self) -> int:
        """Let the recalls read some of the new items they have not read yet; how many those were."""
        done = 0
        for version, world in list(self._worlds.items()):
            if not (some := world.unread()[:AT_ONCE]):
                continue
            reading = world.reading(some[-1].change)
            with self._lock:
                if version in self._worlds:
                    self._worlds[version] = self._worlds[version].with_read_of(reading)
                    if self._now is not None:
                        self._now = self._worlds[self._now.version]
            done += len(some)
        return done

    def _read_on(self) -> None:
        """In a thread of its own: a language model takes seconds to load, and nothing may wait for it."""
        self._stop.wait(WARM_SECONDS)
        while not self._stop.is_set():
            try:
                if self._now is not None and len(self._now.catalogue) <= WARMED:
                    _ = self._now.catalogue.terms  # the first new item needs them, and shall not wait
                if self._now is not None and (readers := self._now.readers):
                    warm(self._now.catalogue.pipeline, readers)
                    while self.read() and not self._stop.is_set():
                        pass
            except Exception as error:
                log.error(
                    "New items are judged by their words: %s.", type(error).__name__, extra={"where": where(error)}
                )
                self._stop.wait(60)
            self._to_read.wait()
            self._to_read.clear()

    def stop(self) -> None:
        self._stop.set()
        self._to_read.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(FOLLOW_SECONDS if self._now is not None else 0):
            try:
                self._look()
            except ForetasteError as error:  # the store or a bundle; both may be well again the next time
                log.warning("Cannot follow just now: %s.", type(error).__name__, extra={"where": where(error)})
                self._stop.wait(1)
            except Exception as error:
                log.error("Following failed with %s.", type(error).__name__, extra={"where": where(error)})
                self._stop.wait(1)

    def _look(self) -> None:
        if self._now is not None:
            self.follow()
        if self.bundles is None or not self._follows:
            return
        version = current_version(self.bundles)
        if version == self._refused or (
            self._now is not None and (version in (None, self._now.version)) and not self._now.partial
        ):
            return
        try:
            self.load_current()
            self._refused = None
            _settle()
        except BundleError as error:
            self._refused = version  # until `current` names another
            metrics.RELOADS.labels("refused").inc()
            log.error("The bundle %s is not used: %s", version, error)
            if self._now is None or self._now.partial:
                self.on_refused(error)


def out_of_step(config: ServiceConfig, world: World) -> Iterator[str]:
    """What the settings ask of a catalogue that has no such thing. A column may still come, so nothing is refused."""
    for name, scene in config.scenes.items():
        try:
            world.allowed(scene.filter)
        except DataError as error:
            yield f"foretaste.toml: [serve.scenes.{name}] {error} Until then, requests for this scene are refused."
    yield from config.remarks(world.catalogue.column_names, world.catalogue.bundle.kinds.names, filters=False)


def _settle() -> None:
    """Tell Python that what a bundle is made of will stay: or it looks through all of it, again and again."""
    gc.unfreeze()  # of the bundle before
    gc.collect()
    gc.freeze()
