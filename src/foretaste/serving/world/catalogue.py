"""All a request would otherwise have to look up, made ready once per bundle: names, titles, columns, kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import polars.selectors as cs

from foretaste.api.limits import MAX_N
from foretaste.data.kinds import SHOWN
from foretaste.features.items import picture_column
from foretaste.models.content.labels import column_of_labels
from foretaste.models.saving import fitted
from foretaste.pipeline.stages.new_items import NewItems
from foretaste.protocols import ReadsColumns
from foretaste.registry import NEW_ITEMS
from foretaste.serving.world.cursors import checksums
from foretaste.serving.world.encode_new_items import readers_of
from foretaste.serving.world.filters import check_values, mask, misfits
from foretaste.types import NO_ITEM, BoolArray, FloatArray, History, IntArray, LongArray

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    from foretaste.data.items import ItemTable
    from foretaste.events.model import Past
    from foretaste.models.content.labels import Labels
    from foretaste.models.content.terms import CatalogueTerms
    from foretaste.pipeline.bundle import Bundle
    from foretaste.pipeline.pipeline import Pipeline

UNWRITABLE = ("Binary", "Object")
"""Types of columns that JSON has no form for; they stay inside."""
ROWS_KEPT = 20_000
"""Items whose columns are kept as Python objects (about 1 kB each); the rest stay in the table until asked for."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One bundle, ready to answer; never changed, so a request that holds it sees one world from start to end.

    ids, titles : one of each per item code
    frame       : the other columns, of types JSON can hold
    popular     : (≤ MAX_N,) codes, most popular first
    pipelines   : the bundle's pipeline as each scene has it, made when it is first asked
    """

    bundle: Bundle
    ids: list[str]
    titles: list[str]
    frame: pl.DataFrame
    code_of: dict[str, int]
    kind_code_of: dict[str, int]
    popular: IntArray
    pipelines: dict[Hashable, Pipeline] = field(default_factory=dict)
    _rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    _likes: dict[str | None, tuple[str, Labels] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, bundle: Bundle) -> Catalogue:
        ids = bundle.items.ids.names.to_list()
        frame = _storable(bundle.items)
        return cls(
            bundle=bundle,
            ids=ids,
            titles=bundle.items.titles(),
            frame=frame,
            code_of={name: code for code, name in enumerate(ids)},
            kind_code_of={name: code for code, name in enumerate(bundle.kinds.names)},
            popular=bundle.pipeline.popular(MAX_N),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def checksums(self) -> NDArray[np.uint32]:
        """(n_items,) of the ids, for cursors."""
        return checksums(self.ids)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The bundle's, with a stage for new items; where it was trained without, their words are read when needed."""
        pipeline = self.bundle.pipeline
        stage: Any = pipeline.stages.get(NEW_ITEMS) or NewItems()
        if stage.n_trained is None:
            return pipeline.with_stages({**pipeline.stages, NEW_ITEMS: stage.for_items(self.bundle.items)})
        return pipeline

    @property
    def terms(self) -> CatalogueTerms:
        """What each item says of itself; read soon after the start, or when the first new item comes."""
        stage = self.pipeline.stages[NEW_ITEMS]
        assert isinstance(stage, NewItems)
        return stage.terms

    @cached_property
    def pictures(self) -> str | None:
        """The column of pictures."""
        return picture_column(self.bundle.items)

    @cached_property
    def readers(self) -> tuple[str, ...]:
        """The recalls that can read new items here."""
        return readers_of(self.bundle.pipeline)

    @cached_property
    def popularity(self) -> FloatArray:
        """(n_items,) how much people took each item; 0 for what they rather disliked."""
        return np.maximum(fitted(self.bundle.pipeline.fallback.popularity, self.bundle.pipeline.fallback), 0)

    def likes(self, column: str | None) -> tuple[str, Labels] | None:
        """The labels people may say they like, and their column; read when somebody first asks.

        column : by name; None takes the one that splits best what people take
        """
        if column not in self._likes:
            self._likes[column] = column_of_labels(self.bundle.items, self.popularity, column)
        return self._likes[column]

    @cached_property
    def columns_read(self) -> frozenset[str]:
        """The columns of people that change what the bundle's models say."""
        models = (self.bundle.pipeline.recalls or {}).values()
        return frozenset().union(*(model.columns_read for model in models if isinstance(model, ReadsColumns)))

    def columns(self, codes: Sequence[int]) -> list[dict[str, Any]]:
        """What else is known of each of these items."""
        if not self.frame.width:
            return [{} for _ in codes]
        if len(self._rows) > ROWS_KEPT:
            self._rows.clear()
        return [self._rows.get(code) or self._row(code) for code in codes]

    def _row(self, code: int) -> dict[str, Any]:
        # Row by row: `frame[codes]` hands its work to a thread of polars, and the answer would wait for two switches.
        row = self._rows[code] = self.frame.row(code, named=True)
        return row

    def codes(self, items: Sequence[str]) -> IntArray:
        """(n,) codes, NO_ITEM for those nobody knows."""
        get = self.code_of.get
        return np.fromiter((get(item, NO_ITEM) for item in items), np.int32, len(items))

    def filter_mask(self, wanted: Mapping[str, Any]) -> BoolArray:
        """(n_items,) true for the items that have what is wanted."""
        return mask(self._titled, wanted)

    def check_values(self, wanted: Mapping[str, Any]) -> None:
        """DataError if no item could ever have what is wanted, because a column holds something else altogether."""
        check_values(wanted, self._titled)

    def misfits(self, columns: Mapping[str, Any]) -> list[str]:
        """What to know of columns that somebody puts, where the others hold something else."""
        return misfits(columns, self.frame)

    @property
    def _titled(self) -> pl.DataFrame:
        title = self.bundle.items.title
        return self.frame if title is None else self.frame.with_columns(pl.Series(title, self.titles))

    @property
    def column_names(self) -> set[str]:
        return {*self.frame.columns, *([self.bundle.items.title] if self.bundle.items.title else [])}

    def history(self, past: Past, items: IntArray | None = None) -> tuple[History, BoolArray]:
        """What of a past the models can use, as one row, and which events those are: items and kinds that are known.

        items : (L,) codes, NO_ITEM for those nobody knows; None takes those of the bundle
        """
        get = self.kind_code_of.get
        items = self.codes(past.item) if items is None else items
        kinds = np.fromiter((get(kind, -1) for kind in past.kind), np.int16, len(past))
        # What was merely shown is no taste; the stages read it.
        shown = np.fromiter((kind == SHOWN for kind in past.kind), np.bool_, len(past))
        known = (items != NO_ITEM) & (kinds >= 0) & ~shown
        time: LongArray | None = None
        if None not in past.time:
            time = np.array(past.time, np.int64)[known]
        value = np.array(past.value, np.float32)[known]
        offsets = np.array([0, known.sum()], np.int64)
        return History(items[known], offsets, time, kinds[known].astype(np.uint8), value), known


def _storable(items: ItemTable) -> pl.DataFrame:
    """All columns but the title, of types JSON can hold."""
    frame = items.frame if items.title is None else items.frame.drop(items.title)
    unwritable = [name for name, dtype in frame.schema.items() if any(kind in repr(dtype) for kind in UNWRITABLE)]
    return frame.drop(unwritable).with_columns(cs.temporal().cast(pl.String), cs.decimal().cast(pl.Float64))
