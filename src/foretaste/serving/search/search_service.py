"""Search by text and by picture, and similar items, over the live catalogue."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.api import SimilarItems
from foretaste.api.search import SearchHit, SearchResults
from foretaste.errors import DataError, ForetasteError
from foretaste.search.hybrid import SearchConfig
from foretaste.search.similar import ItemSimilarity
from foretaste.serving.answering.feedback import parted
from foretaste.serving.answering.items_out import scored_items
from foretaste.serving.errors import NotReadyError
from foretaste.serving.search.catalogue_index import MEANING_PACKAGE, CatalogueSearchIndex
from foretaste.serving.search.picture_index import PictureIndex, encode_picture, open_picture
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
"""Latest events of a user that the taste scores are computed from."""


class SearchService:
    """Thread-safe. The index is built by the first search, which uses words only; the language model is loaded in the
    background, because it takes seconds, and memory that a service without searches does not need. The pictures of the
    catalogue are encoded after the first search by picture."""

    def __init__(self, engine: Engine, config: SearchConfig | None = None) -> None:
        self._engine = engine
        self._config = config or SearchConfig()
        self._lock = Lock()
        self._index: CatalogueSearchIndex | None = None
        self._pictures: PictureIndex | None = None
        self._picture_lock = Lock()

    def find(
        self,
        query: str,
        n: int = 10,
        *,
        user: str | None = None,
        personal: float | None = None,
        wanted: Mapping[str, Any] | None = None,
        remember: bool = False,
    ) -> SearchResults:
        """The n best items for a text.

        personal : weight of the user's taste instead of the config's; 0 is not personalised
        wanted   : a filter, as `World.allowed` takes it
        remember : whether to store the search in the user's history, where the project allows it
        """
        past = None
        searches: tuple[str, ...] = ()
        if user is not None:
            past, searches = parted(self._engine.store.history(user, last=HISTORY))
        with self._lock:
            world = self._engine.world  # read under the lock: the index may have followed a newer world meanwhile
            history = None if past is None else world.catalogue.history(past)[0]
            index = self._index_of(world.catalogue)
            index.follow(world)
            found = index.find(world, query, n, user, history, searches, personal, wanted or {})
        if remember and user is not None:
            found.remembered = self._engine.remember_search(user, query)
        return found

    def search_by_picture(
        self, picture: bytes, n: int = 10, *, wanted: Mapping[str, Any] | None = None
    ) -> SearchResults:
        """The n items with the most similar pictures; DataError where the bytes are not a valid picture."""
        with self._picture_lock:  # one at a time: decoding and encoding use much memory and all cores
            sent = open_picture(picture)
        world = self._engine.world
        allowed = world.allowed_of_bundle(wanted or {})
        index = self._picture_index(world.catalogue)
        assert index.vectors is not None
        views = ItemSimilarity({PICTURE: index.vectors})
        with self._picture_lock:
            seen = encode_picture(sent, index.config)
        found = views.similar_to({PICTURE: seen}, n, allowed=allowed)
        items = [SearchHit.model_construct(**dict(i), found_by={PICTURE: i.score}) for i in scored_items(world, found)]
        return SearchResults.model_construct(
            query=None,
            corrected=None,
            user=None,
            remembered=False,
            version=world.version,
            sources=[PICTURE],
            items=items,
        )

    def similar(self, item: str, n: int = 10, by: str = BLEND) -> SimilarItems:
        """The n most similar items: by `text`, `picture`, `behaviour` (users who have both), or all in equal parts.

        raises : NotReadyError while texts or pictures are being read; DataError where the item has no data for `by`
        """
        world = self._engine.world
        known = world.item(item)
        code = world.catalogue.code_of.get(item)
        vectors: dict[str, FloatArray] = {}
        own: dict[str, FloatArray] = {}
        if by in (TEXT, BLEND) and (index := self._text_index(world, needed=by == TEXT)) is not None:
            assert index.texts is not None
            vectors[TEXT] = index.texts
            own[TEXT] = index.texts[code] if code is not None else index.text_of(item, world.records[item].columns)
        pictures = self._picture_index(world.catalogue) if by == PICTURE else self._pictures
        if by in (PICTURE, BLEND) and code is not None and pictures is not None and pictures.knows(world.catalogue):
            vectors[PICTURE] = own[PICTURE] = pictures.vectors  # type: ignore[assignment]  # `knows` says it is there
        model = behaviour_of(world) if by in (BEHAVIOUR, BLEND) and code is not None else None
        if not own and model is None and (world.partial or (by == BLEND and self._expects_texts)):
            raise NotReadyError("The models are still being loaded; try again in a moment.")
        if not own and model is None:
            raise DataError(f"There is no data for '{item}' by {by}; use by=text, or leave it out.")
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
        """Load and read in advance what the first searches would otherwise start in the background."""
        catalogue = self._engine.world.catalogue
        if words:
            with self._lock:
                index = self._index_of(catalogue, wait=True)
            index.read(run)
        if pictures:
            picture_index = PictureIndex(catalogue)
            picture_index.read(run)
            self._pictures = picture_index

    @property
    def _expects_texts(self) -> bool:
        return bool(self._config.meaning) and find_spec(MEANING_PACKAGE) is not None

    def _index_of(self, catalogue: Catalogue, *, wait: bool = False) -> CatalogueSearchIndex:
        if self._index is None or self._index.catalogue is not catalogue:
            index = CatalogueSearchIndex(catalogue, self._config)
            self._index = index
            if not wait and self._expects_texts:
                Thread(target=self._read, args=(index,), name="foretaste-search", daemon=True).start()
        return self._index

    def _text_index(self, world: World, *, needed: bool) -> CatalogueSearchIndex | None:
        """The index once its texts are encoded; until then None, or NotReadyError where that is `needed`."""
        if not self._expects_texts:
            if needed:
                raise DataError("by=text needs the server's extra 'text', which is not installed; leave it out.")
            return None
        with self._lock:
            index = self._index_of(world.catalogue)
            index.follow(world)
        if index.texts is not None:
            return index
        if needed:
            raise NotReadyError("The catalogue's texts are being read; try again in a moment.")
        return None

    def _picture_index(self, catalogue: Catalogue) -> PictureIndex:
        with self._lock:
            if self._pictures is None or self._pictures.catalogue is not catalogue:
                pictures = PictureIndex(catalogue)
                self._pictures = pictures
                Thread(target=self._read_pictures, args=(pictures,), name="foretaste-pictures", daemon=True).start()
            pictures = self._pictures
        if pictures.refused is not None:
            raise DataError(pictures.refused)
        if pictures.vectors is None:
            raise NotReadyError("The catalogue's pictures are being read; try again in a moment.")
        return pictures

    def _read_pictures(self, pictures: PictureIndex) -> None:
        try:
            pictures.read(Run())
        except ForetasteError as error:
            pictures.refused = str(error)
            log.warning("The catalogue's pictures cannot be read: %s", error)
        except Exception as error:
            pictures.refused = "The catalogue's pictures cannot be read; the server's log says why."
            log.error("Reading the catalogue's pictures failed with %s.", type(error).__name__)

    def _read(self, index: CatalogueSearchIndex) -> None:
        try:
            vectors = index.vectors(Run())
            with self._lock:
                index.attach(vectors)
        except ForetasteError as error:
            log.warning("The search continues with words only: %s", error)
        except Exception as error:
            log.error(
                "Reading the catalogue's texts failed with %s; the search continues with words only.",
                type(error).__name__,
            )
