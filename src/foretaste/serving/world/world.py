"""What a request sees: a bundle, and how the catalogue has changed since it was trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.api import Item
from foretaste.errors import UnknownNameError
from foretaste.serving.world.catalogue import Catalogue
from foretaste.serving.world.filters import check_filter, matches
from foretaste.serving.world.indexes import Indexed
from foretaste.serving.world.new_items import Newcomers, Words
from foretaste.serving.world.stages import with_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from foretaste.events.model import ItemRecord
    from foretaste.pipeline.config import StageConfig
    from foretaste.pipeline.pipeline import Pipeline
    from foretaste.types import BoolArray, FloatArray

NOBODY = Newcomers((), (), Words(()))
MASKS_KEPT = 64
"""Filters whose answer is remembered (a byte for each item)."""


@dataclass(frozen=True, eq=False)
class World:
    """Never changed: a change of the catalogue makes a new one, and requests under way finish in theirs.

    changed   : bundle items of which something new is known, by code
    hidden    : (n_items,) true for what is offered to nobody; None where that is nothing
    newcomers : items the bundle does not know, shown to people
    records   : every item that was put, by name, hidden and deleted ones too
    partial   : only the fallback is loaded yet
    change    : the latest change of the catalogue that is known here
    read      : by name, the change and the vector of each newcomer that the content model has read
    """

    catalogue: Catalogue
    changed: Mapping[int, ItemRecord] = field(default_factory=dict)
    hidden: BoolArray | None = None
    newcomers: Newcomers = NOBODY
    records: Mapping[str, ItemRecord] = field(default_factory=dict)
    partial: bool = False
    change: int = 0
    read: Mapping[str, tuple[int, FloatArray]] = field(default_factory=dict)
    _masks: dict[str, tuple[BoolArray, BoolArray]] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return self.catalogue.bundle.version

    @property
    def indexed(self) -> bool:
        """Whether some source finds its items through an index."""
        return any(isinstance(model, Indexed) for model in (self.catalogue.bundle.pipeline.recalls or {}).values())

    @property
    def read_to(self) -> int:
        """The change of the catalogue up to which newcomers were read; 0 for none."""
        return max((change for change, _ in self.read.values()), default=0)

    def unread(self) -> list[ItemRecord]:
        """Newcomers that the content model could read and has not, the oldest change first."""
        if self.newcomers.content is None:
            return []
        new = (self.records[name] for name in self.newcomers.names)
        return sorted((r for r in new if self.read.get(r.name, (0,))[0] != r.change), key=lambda r: r.change)

    def with_read(self, vectors: Mapping[str, tuple[int, FloatArray]]) -> World:
        """The same with these newcomers read."""
        return self._with(dict(self.records), {**self.read, **vectors})

    def with_changes(self, items: Iterable[ItemRecord]) -> World:
        """The same with these items as they are now; a change that is older than what is known is left out."""
        records = dict(self.records)
        for item in items:
            if (known := records.get(item.name)) is None or known.change <= item.change:
                records[item.name] = item
        return self._with(records, self.read)

    def _with(self, records: dict[str, ItemRecord], read: Mapping[str, tuple[int, FloatArray]]) -> World:
        code_of = self.catalogue.code_of
        changed = {code_of[name]: record for name, record in records.items() if name in code_of}
        gone = [code for code, record in changed.items() if record.hidden or record.deleted]
        hidden = np.zeros(len(self.catalogue), np.bool_) if gone else None
        if hidden is not None:
            hidden[gone] = True
        new = [r for r in records.values() if r.name not in code_of and not r.hidden and not r.deleted]
        new.sort(key=lambda record: -record.change)
        newcomers = NOBODY
        if new:
            columns = tuple(record.columns for record in new)
            # A vector holds for the words it was made of; who changed since is judged by words until it is read again.
            known = {r.name: read[r.name][1] for r in new if r.name in read and read[r.name][0] == r.change}
            names = tuple(record.name for record in new)
            newcomers = Newcomers(names, columns, self.catalogue.words, known, self.catalogue.content)
        change = max((record.change for record in records.values()), default=0)
        return World(self.catalogue, changed, hidden, newcomers, records, self.partial, change, read)

    def item(self, name: str) -> Item:
        """What is known of it; UnknownNameError if it never was there, or is no longer."""
        record, code = self.records.get(name), self.catalogue.code_of.get(name)
        if (record is None and code is None) or (record is not None and record.deleted):
            raise UnknownNameError(f"No item is called '{name}'; give the id it has in your data.")
        if record is not None:
            return self._of_record(record)
        assert code is not None
        return self.items([code])[0]

    def items(self, codes: list[int]) -> list[Item]:
        """Bundle items by code."""
        catalogue = self.catalogue
        rows = catalogue.columns(codes)
        return [
            self._of_record(self.changed[code])
            if code in self.changed
            else Item.model_construct(id=catalogue.ids[code], title=catalogue.titles[code], columns=row)
            for code, row in zip(codes, rows, strict=True)
        ]

    def described(self, name: str) -> Item:
        """The same for an item of a history, which may be deleted or have never been in a catalogue."""
        record = self.records.get(name)
        if record is not None and not record.deleted:
            return self._of_record(record)
        if (code := self.catalogue.code_of.get(name)) is not None and record is None:
            return self.items([code])[0]
        return Item.model_construct(id=name, title=name, columns={})

    def _of_record(self, record: ItemRecord) -> Item:
        title_column = self.catalogue.bundle.items.title or "title"
        title = record.columns.get(title_column)
        item = Item.model_construct(
            id=record.name,
            title=record.name if title is None else str(title),
            columns={name: value for name, value in record.columns.items() if name != title_column},
        )
        if record.hidden:
            item.hidden = True
        return item

    def allowed(self, wanted: Mapping[str, Any]) -> BoolArray | None:
        """(n_items,) true for what may be offered and has what is wanted; None for everything."""
        if not wanted:
            return None if self.hidden is None else ~self.hidden
        return self._having(wanted)[0]

    def new_allowed(self, wanted: Mapping[str, Any]) -> BoolArray:
        """(m,) true for each newcomer that has what is wanted; DataError for a filter that no item could ever match."""
        return self._having(wanted)[1]

    def _having(self, wanted: Mapping[str, Any]) -> tuple[BoolArray, BoolArray]:
        """(n_items,) of the bundle's items and (m,) of the newcomers; items that were put are read once per filter."""
        key = repr(sorted(wanted.items()))
        if (found := self._masks.get(key)) is None:
            check_filter(wanted, self._column_names)
            old = self.catalogue.filter_mask(wanted)
            for code, record in self.changed.items():
                old[code] = matches(record.columns, wanted)
            new = np.array([matches(columns, wanted) for columns in self.newcomers.columns], np.bool_)
            if not old.any() and not new.any():
                self.catalogue.check_values(wanted)
            if self.hidden is not None:
                old &= ~self.hidden
            if len(self._masks) >= MASKS_KEPT:
                self._masks.clear()
            found = self._masks[key] = old, new
        return found

    @cached_property
    def _column_names(self) -> set[str]:
        """Of every item, those that were put included."""
        return self.catalogue.column_names.union(*(record.columns for record in self.records.values()))

    def pipeline(
        self,
        hides: tuple[str, ...] | None = None,
        stages: tuple[StageConfig, ...] = (),
    ) -> Pipeline:
        """The bundle's pipeline for a scene; made once for each.

        hides  : the kinds of events, and no others, that hide an item; None as the bundle says
        stages : what happens between the merge and the answer
        """
        key = (hides, repr(stages))
        if (pipeline := self.catalogue.pipelines.get(key)) is None:
            pipeline = with_stages(self.catalogue.bundle.pipeline, stages, self.catalogue.bundle.items)
            if hides is not None:
                pipeline = pipeline.with_kinds(pipeline.kinds.hiding(hides))
            self.catalogue.pipelines[key] = pipeline
        return pipeline
