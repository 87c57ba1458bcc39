"""Searches the catalogue that people see now, by words and by pictures, and finds what is like an item."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.api import SimilarItems
from foretaste.api.search import Found, FoundItem
from foretaste.errors import DataError, ForetasteError
from foretaste.search.hybrid import SearchConfig
from foretaste.search.similar import ItemSimilarity
from foretaste.serving.answering.feedback import parted
from foretaste.serving.answering.items_out import scored_items
from foretaste.serving.errors import NotReadyError
from foretaste.serving.search.catalogue_index import MEANING_PACKAGE, Shelf
from foretaste.serving.search.pictures import PictureShelf, asked_picture, look
from foretaste.serving.search.similarity import BEHAVIOUR, BLEND, PICTURE, TEXT, behaviour_of
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.world.catalogue import Catalogue
    from foretaste.serving.world.world import World
    from foretaste.types import FloatArray

log = logging.getLogger("foretaste.serving")
HISTORY = 1_000
"""The latest events of a person that a taste is made from."""


class SearchDesk:
    """Thread-safe. Made ready by the first question, which words alone answer; the language model follows, for loading
    it takes seconds that nobody should wait for, and memory that a shop without a search should not pay. The pictures
    of the catalogue are looked at when somebody first asks with one."""

    def __init__(self, engine: Engine, config: SearchConfig | None = None) -> None:
        self._engine = engine
        self._config = config or SearchConfig()
        self._lock = Lock()
        self._shelf: Shelf | None = None
        self._pictures: PictureShelf | None = None
        self._looking = Lock()

    def find(
        self,
        query: str,
        n: int = 10,
        *,
        user: str | None = None,
        personal: float | None = None,
        wanted: Mapping[str, Any] | None = None,
        remember: bool = False,
    ) -> Found:
        """The n items that answer a question best.

        personal : weight of the person's taste instead of the config's; 0 answers everybody alike
        wanted   : a filter, as `World.allowed` takes it
        remember : whether this search may become a part of the person's history, where the project allows that
        """
        past = None
        searches: tuple[str, ...] = ()
        if user is not None:
            past, searches = parted(self._engine.store.history(user, last=HISTORY))
        with self._lock:
            world = self._engine.world  # not before: the shelf may have followed a newer one while we waited
            history = None if past is None else world.catalogue.history(past)[0]
            shelf = self._of(world.catalogue)
            shelf.follow(world)
            found = shelf.find(world, query, n, user, history, searches, personal, wanted or {})
        if remember and user is not None:
            found.remembered = self._engine.remember_search(user, query)
        return found

    def find_like(self, picture: bytes, n: int = 10, *, wanted: Mapping[str, Any] | None = None) -> Found:
        """The n items whose pictures look most like this one. DataError for what is no picture, or a trap."""
        with self._looking:  # one at a time: unpacking and looking take memory, and every core there is
            asked = asked_picture(picture)
        world = self._engine.world
        allowed = world.allowed_of_bundle(wanted or {})
        shelf = self._looked_at(world.catalogue)
        assert shelf.vectors is not None
        views = ItemSimilarity({PICTURE: shelf.vectors})
        with self._looking:
            seen = look(asked, shelf.config)
        found = views.similar_to({PICTURE: seen}, n, allowed=allowed)
        items = [FoundItem.model_construct(**dict(i), found_by={PICTURE: i.score}) for i in scored_items(world, found)]
        return Found.model_construct(
            query=None,
            corrected=None,
            user=None,
            remembered=False,
            version=world.version,
            sources=[PICTURE],
            items=items,
        )

    def similar(self, item: str, n: int = 10, by: str = BLEND) -> SimilarItems:
        """The n items most like one: by `text`, `picture`, `behaviour` (who took it also took), or all in equal parts.

        NotReadyError while what was asked for is being read; DataError where nothing is known by it.
        """
        world = self._engine.world
        known = world.item(item)
        code = world.catalogue.code_of.get(item)
        vectors: dict[str, FloatArray] = {}
        own: dict[str, FloatArray] = {}
        if by in (TEXT, BLEND) and (shelf := self._read_shelf(world, needed=by == TEXT)) is not None:
            assert shelf.texts is not None
            vectors[TEXT] = shelf.texts
            own[TEXT] = shelf.texts[code] if code is not None else shelf.text_of(item, world.records[item].columns)
        looked = self._looked_at(world.catalogue) if by == PICTURE else self._pictures
        if by in (PICTURE, BLEND) and code is not None and looked is not None and looked.knows(world.catalogue):
            vectors[PICTURE] = own[PICTURE] = looked.vectors  # type: ignore[assignment]  # `knows` says it is there
        model = behaviour_of(world) if by in (BEHAVIOUR, BLEND) and code is not None else None
        if not own and model is None and (world.partial or (by == BLEND and self._expects_texts)):
            raise NotReadyError("The models are still being loaded; try again in a moment.")
        if not own and model is None:
            raise DataError(f"Nothing is known of '{item}' by {by}; ask by=text, or leave it out.")
        behaviour = {} if model is None else {BEHAVIOUR: model}
        views = ItemSimilarity(vectors, behaviour, len(world.catalogue), world.catalogue.bundle.kinds.usual)
        allowed = world.allowed_of_bundle({})
        if code is None:
            found = views.similar_to(own, n, allowed=allowed)
        else:
            equal = dict.fromkeys(views.names, 1.0)
            found = views.similar(np.array([code], np.int32), n, equal, allowed=allowed)
        return SimilarItems.model_construct(
            item=known, version=world.version, by=list(found.sources), items=scored_items(world, found)
        )

    def prepare(self, run: Run, *, words: bool = True, pictures: bool = False) -> None:
        """Load and read all that a question would otherwise do beside the questions."""
        catalogue = self._engine.world.catalogue
        if words:
            with self._lock:
                shelf = self._of(catalogue, wait=True)
            shelf.read(run)
        if pictures:
            looked = PictureShelf(catalogue)
            looked.read(run)
            self._pictures = looked

    @property
    def _expects_texts(self) -> bool:
        return bool(self._config.meaning) and find_spec(MEANING_PACKAGE) is not None

    def _of(self, catalogue: Catalogue, *, wait: bool = False) -> Shelf:
        if self._shelf is None or self._shelf.catalogue is not catalogue:
            shelf = Shelf(catalogue, self._config)
            self._shelf = shelf
            if not wait and self._expects_texts:
                Thread(target=self._read, args=(shelf,), name="foretaste-search", daemon=True).start()
        return self._shelf

    def _read_shelf(self, world: World, *, needed: bool) -> Shelf | None:
        """The shelf, once the language model has read it; until then None, or NotReadyError where that is `needed`."""
        if not self._expects_texts:
            if needed:
                raise DataError("by=text needs the server's extra 'text', which is not installed; leave it out.")
            return None
        with self._lock:
            shelf = self._of(world.catalogue)
            shelf.follow(world)
        if shelf.texts is not None:
            return shelf
        if needed:
            raise NotReadyError("The catalogue's texts are being read; try again in a moment.")
        return None

    def _looked_at(self, catalogue: Catalogue) -> PictureShelf:
        with self._lock:
            if self._pictures is None or self._pictures.catalogue is not catalogue:
                looked = PictureShelf(catalogue)
                self._pictures = looked
                Thread(target=self._see, args=(looked,), name="foretaste-pictures", daemon=True).start()
            looked = self._pictures
        if looked.refused is not None:
            raise DataError(looked.refused)
        if looked.vectors is None:
            raise NotReadyError("The catalogue's pictures are being looked at; try again in a moment.")
        return looked

    def _see(self, looked: PictureShelf) -> None:
        try:
            looked.read(Run())
        except ForetasteError as error:
            looked.refused = str(error)
            log.warning("The catalogue's pictures cannot be looked at: %s", error)
        except Exception as error:
            looked.refused = "The catalogue's pictures cannot be looked at; the server's log says why."
            log.error("Looking at the catalogue's pictures failed with %s.", type(error).__name__)

    def _read(self, shelf: Shelf) -> None:
        try:
            vectors = shelf.vectors(Run())
            with self._lock:
                shelf.attach(vectors)
        except ForetasteError as error:
            log.warning("The search goes on by words alone: %s", error)
        except Exception as error:
            log.error("Reading the catalogue failed with %s; the search goes on by words alone.", type(error).__name__)
