"""Search index over one bundle's catalogue, kept up to date with items that were added, changed or deleted since."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.api.search import SearchHit, SearchResults
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import DataError
from foretaste.features.item_texts import item_texts
from foretaste.features.items import encode_texts
from foretaste.features.text import text_encoder
from foretaste.index.exact import ExactIndex
from foretaste.models.content.content import Content
from foretaste.search.hybrid import Search, SearchConfig
from foretaste.serving.answering.items_out import scored
from foretaste.types import NO_ITEM, NO_USER, Queries, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foretaste.events.model import ItemRecord
    from foretaste.protocols import Scorer
    from foretaste.serving.world.catalogue import Catalogue
    from foretaste.serving.world.world import World
    from foretaste.types import BoolArray, FloatArray, History, IntArray

MEANING_PACKAGE = "sentence_transformers"


class CatalogueSearchIndex:
    """The search over one bundle's catalogue. Items that were added later have codes after those of the bundle."""

    def __init__(self, catalogue: Catalogue, config: SearchConfig) -> None:
        self.catalogue = catalogue
        items = catalogue.bundle.items
        self._texts = item_texts(items, config.pieces)
        pipeline = catalogue.bundle.pipeline
        recalls = dict(pipeline.recalls or {})
        weights = {recall.model: recall.weight for recall in pipeline.config.recalls}
        heaviest = max(recalls, key=lambda name: weights.get(name, 0.0), default=None)
        taste = None if heaviest is None else _BundleScorer(recalls[heaviest], len(catalogue))
        self._content: Content | None = None
        for model in recalls.values():
            if isinstance(model, Content):
                self._content = model
        self._search = Search(item_texts(items, config.pieces, named=False), config, None, taste)
        self._later: list[str] = []
        self._code: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._written: dict[int, ItemRecord] = {}

    def vectors(self, run: Run) -> FloatArray:
        """(n_items, D) vectors of the bundle's texts; also loads the language model. Needs no lock."""
        config = self._search.config
        text_encoder(config.encoder).encode_query("ready")
        content = self._content
        if content is not None and content.vectors is not None:
            read = content.config.read
            alone = read.text > 0 and not (read.columns or read.pictures or read.ready_file)
            if alone and read.encoder == config.encoder and read.pieces == config.pieces:
                return content.vectors  # already computed when the bundle was trained
        return encode_texts(self._texts, config.encoder, run)

    def attach(self, vectors: FloatArray) -> None:
        """Use these vectors for semantic search from now on; items changed in the meantime are encoded here."""
        index = ExactIndex(vectors)
        if self._written:
            codes = np.array(list(self._written), np.int32)
            texts = [self._text(record) for record in self._written.values()]
            index.put(codes, encode_texts(texts, self._search.config.encoder, Run()))
        self._search.vectors = index

    def read(self, run: Run) -> None:
        if self._search.config.meaning and find_spec(MEANING_PACKAGE) is not None:
            self.attach(self.vectors(run))

    @property
    def texts(self) -> FloatArray | None:
        """(n_items, D) vectors of the bundle's items as they are now; None until the language model is loaded."""
        index = self._search.vectors
        return None if index is None else index.vectors[: len(self.catalogue)]

    def text_of(self, name: str, columns: Mapping[str, Any]) -> FloatArray:
        """(D,) vector of an item that was added later."""
        text = item_texts(_alone(name, columns, self.catalogue.bundle.items.title))
        vector: FloatArray = encode_texts(text, self._search.config.encoder, Run())[0]
        return vector

    def follow(self, world: World) -> None:
        """Apply the catalogue changes of `world` that were not applied yet."""
        changed: dict[int, ItemRecord] = {}
        counted: list[str] = []
        for name, record in world.records.items():
            if self._seen.get(name, -1) >= record.change:
                continue
            self._seen[name] = record.change
            if (code := self._code_of(name)) == NO_ITEM:
                code = self._code[name] = len(self.catalogue) + len(self._later)
                self._later.append(name)
            counted.append(self._text(record, named=False))
            changed[code] = record
        if changed:
            self._written |= changed
            read = None if self._search.vectors is None else [self._text(record) for record in changed.values()]
            self._search.put(np.array(list(changed), np.int32), counted, Run(), read=read)

    def _text(self, record: ItemRecord, *, named: bool = True) -> str:
        """The text of a changed item, built as for the catalogue; '' where it is hidden or deleted."""
        if record.hidden or record.deleted:
            return ""
        return item_texts(_alone(record.name, record.columns, self.catalogue.bundle.items.title), named=named)[0]

    def find(
        self,
        world: World,
        query: str,
        n: int,
        user: str | None,
        history: History | None,
        searches: tuple[str, ...],
        personal: float | None,
        wanted: Mapping[str, Any],
    ) -> SearchResults:
        no_history = history is None or not len(history.items)
        whose = Queries.guests([[]]).history if history is None else history
        lately = (searches,) if searches else None
        queries = Queries(np.array([NO_USER], np.int32), whose, searches=lately, text=(query,))
        allowed = self._allowed(world, wanted)
        understood = self._search.parse_query(query)  # once: spelling correction is the slow part for unknown words
        personal = 0.0 if no_history else personal
        found = self._search.recommend(queries, n, allowed=allowed, personal=personal, parsed=[understood])
        items: list[SearchHit] = []
        rows = zip(found.items[0].tolist(), found.scores[0].tolist(), found.found_by[0].tolist(), strict=True)
        for code, score, source_scores in rows:
            if code == NO_ITEM:
                break
            item = scored(world.item(self._name(code)), score)
            by = {name: float(f"{x:.6g}") for name, x in zip(found.sources, source_scores, strict=True) if x == x}
            items.append(SearchHit.model_construct(**dict(item), found_by=by))
        asked = [True, self._search.vectors is not None, personal != 0 and self._search.taste is not None]
        return SearchResults.model_construct(
            query=query,
            corrected=understood.text if understood.corrected else None,
            user=user,
            remembered=False,
            version=world.version,
            sources=[name for name, used in zip(found.sources, asked, strict=True) if used],
            items=items,
        )

    def _allowed(self, world: World, wanted: Mapping[str, Any]) -> BoolArray | None:
        if (allowed := world.allowed(wanted)) is None:
            return None
        later = [(code := world.new_code.get(name)) is not None and allowed[code] for name in self._later]
        return np.concatenate([allowed[: len(self.catalogue)], np.array(later, np.bool_)])

    def _code_of(self, name: str) -> int:
        return self.catalogue.code_of.get(name, self._code.get(name, NO_ITEM))

    def _name(self, code: int) -> str:
        n = len(self.catalogue)
        return self.catalogue.ids[code] if code < n else self._later[code - n]


class _BundleScorer:
    """A model of the bundle as a scorer; items that were added later get nan."""

    def __init__(self, model: Scorer, n_items: int) -> None:
        self._model = model
        self._n = n_items

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return self._model.score(queries, np.where(items < self._n, items, NO_ITEM).astype(np.int32))


def _alone(name: str, columns: Mapping[str, Any], title: str | None) -> ItemTable:
    """A catalogue of one item that was put."""
    try:
        frame = pl.DataFrame([dict(columns)], strict=False) if columns else pl.DataFrame()
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"The columns of item '{name}' cannot be searched ({error}).") from None
    key = title or next((column for column in ("title", "name") if column in columns), None)
    return ItemTable(IdMap([name]), frame, key if key in columns else None)
