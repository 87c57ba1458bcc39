"""What a request sees: a bundle, and how the catalogue has changed since it was trained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.api import Item
from foretaste.errors import UnknownNameError
from foretaste.serving.world.catalogue import Catalogue
from foretaste.serving.world.cursors import checksums
from foretaste.serving.world.encode_new_items import grown_table
from foretaste.serving.world.filters import check_filter, matches
from foretaste.serving.world.indexes import Indexed
from foretaste.serving.world.stages import with_stages
from foretaste.types import NO_ITEM, Run

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from foretaste.data.items import ItemTable
    from foretaste.events.model import ItemRecord, Past
    from foretaste.pipeline.config import StageConfig
    from foretaste.pipeline.pipeline import Pipeline
    from foretaste.types import BoolArray, History, IntArray

MASKS_KEPT = 64
"""Filters whose answer is remembered (a byte for each item)."""
DEAD_KEPT = 64
"""Codes of items that were changed since, at least so many; more than there are others, and codes are given anew."""


@dataclass(frozen=True, eq=False)
class World:
    """Never changed: a change of the catalogue makes a new one, and requests under way finish in theirs.

    An item that the bundle does not know has a code behind the bundle's. A code stands for what was known of the item
    at one change, so that what a recall has read of it stays true: an item that is changed gets the next code, and the
    one it had is masked. So codes follow the changes, whichever worker gives them, and the higher one is the newer.

    changed   : bundle items of which something new is known, by code
    new       : what was put and is not in the bundle, by code less the number of bundle items, the latest change last
    new_code  : code of each of them that is shown to people, by name
    hidden    : (n_items,) true for what is offered to nobody; None where that is nothing
    records   : every item that was put, by name, hidden and deleted ones too
    partial   : only the fallback is loaded yet
    change    : the latest change of the catalogue that is known here
    grown     : the bundle's pipeline, its recalls having read the first `read` of the new items; None for none
    """

    catalogue: Catalogue
    changed: Mapping[int, ItemRecord] = field(default_factory=dict)
    new: tuple[ItemRecord, ...] = ()
    new_code: Mapping[str, int] = field(default_factory=dict)
    hidden: BoolArray | None = None
    records: Mapping[str, ItemRecord] = field(default_factory=dict)
    partial: bool = False
    change: int = 0
    grown: Pipeline | None = None
    read: int = 0
    _masks: dict[str, BoolArray] = field(default_factory=dict)
    _pipelines: dict[Hashable, Pipeline] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return self.catalogue.bundle.version

    def __len__(self) -> int:
        """Items, new ones included."""
        return len(self.catalogue) + len(self.new)

    @property
    def indexed(self) -> bool:
        """Whether some source finds its items through an index."""
        return any(isinstance(model, Indexed) for model in (self.catalogue.bundle.pipeline.recalls or {}).values())

    @property
    def read_to(self) -> int:
        """The change of the catalogue up to which the recalls have read new items; 0 for none."""
        return self.new[self.read - 1].change if self.read else 0

    def unread(self) -> list[ItemRecord]:
        """New items that some recall could read and has not, the oldest change first."""
        return [self.new[i] for i in range(self.read, len(self.new)) if self._alive(i)] if self.readers else []

    @property
    def readers(self) -> tuple[str, ...]:
        """The recalls that can read new items here."""
        return self.catalogue.readers

    def reading(self, to: int) -> World:
        """The same, its recalls having read every new item up to a change, which may take a language model seconds."""
        read = sum(record.change <= to for record in self.new)
        if read <= self.read or not self.readers:
            return self
        before = self.grown or self.catalogue.pipeline
        return self._as_read(before.with_items(self._table(read), Run(), readers=self.readers), read)

    def with_read_of(self, other: World) -> World:
        """The same with what the recalls have read of the new items of another world of the same codes."""
        read = other.read
        same = len(self.new) >= read and all(a is b for a, b in zip(self.new[:read], other.new[:read], strict=True))
        return self._as_read(other.grown, read) if same and read > self.read else self

    def _as_read(self, grown: Pipeline | None, read: int) -> World:
        return replace(self, grown=grown, read=read, _pipelines={})

    def with_changes(self, items: Iterable[ItemRecord]) -> World:
        """The same with these items as they are now; a change that is no later than what is known is left out."""
        records = dict(self.records)
        news = [r for r in items if (known := records.get(r.name)) is None or known.change < r.change]
        records |= {record.name: record for record in sorted(news, key=lambda record: record.change)}
        code_of, n = self.catalogue.code_of, len(self.catalogue)
        changed = {code_of[name]: record for name, record in records.items() if name in code_of}
        later = {r.name: r for r in news if r.name not in code_of and records[r.name] is r and not _gone(r)}
        new = (*self.new, *sorted(later.values(), key=lambda record: record.change))
        grown, read = self.grown, self.read
        alive = [record for record in new if records[record.name] is record]
        if len(new) - len(alive) > max(DEAD_KEPT, len(alive)):
            new, grown, read = tuple(alive), None, 0
        hidden = np.zeros(n + len(new), np.bool_)
        hidden[[code for code, record in changed.items() if _gone(record)]] = True
        hidden[n:] = [records[record.name] is not record for record in new]
        change = max((record.change for record in records.values()), default=0)
        return World(
            self.catalogue,
            changed=changed,
            new=new,
            new_code={record.name: n + i for i, record in enumerate(new) if not hidden[n + i]},
            hidden=hidden if hidden.any() else None,
            records=records,
            partial=self.partial,
            change=change,
            grown=grown,
            read=read,
        )

    def _alive(self, place: int) -> bool:
        """Whether one of the new items is still what is known of it, and shown to people."""
        return self.records[self.new[place].name] is self.new[place]

    def _table(self, count: int) -> ItemTable:
        """The bundle's catalogue with the first so many new items behind it."""
        records = [record if self._alive(i) else None for i, record in enumerate(self.new[:count])]
        return grown_table(self.catalogue.bundle.items, records, self.catalogue.pictures)

    @cached_property
    def table(self) -> ItemTable:
        """The whole catalogue, as models read it."""
        return self._table(len(self.new)) if self.new else self.catalogue.bundle.items

    def codes(self, items: Sequence[str]) -> IntArray:
        """(n,) codes, NO_ITEM for those nobody knows."""
        codes = self.catalogue.codes(items)
        if self.new_code:
            for i in np.flatnonzero(codes == NO_ITEM).tolist():
                codes[i] = self.new_code.get(items[i], NO_ITEM)
        return codes

    def name(self, code: int) -> str:
        n = len(self.catalogue)
        return self.catalogue.ids[code] if code < n else self.new[code - n].name

    def mask(self, items: Sequence[str]) -> BoolArray:
        """(n_items,) true for these items."""
        codes = self.codes(items)
        found = np.zeros(len(self), np.bool_)
        found[codes[codes != NO_ITEM]] = True
        return found

    @cached_property
    def checksums(self) -> NDArray[np.uint32]:
        """(n_items,) of the ids, for cursors."""
        if not self.new:
            return self.catalogue.checksums
        return np.concatenate([self.catalogue.checksums, checksums([record.name for record in self.new])])

    def history(self, past: Past) -> tuple[History, BoolArray]:
        """What of a past the models can use, as one row, and which events those are: items and kinds that are known."""
        return self.catalogue.history(past, self.codes(past.item))

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
        """What is known of some items."""
        catalogue, n = self.catalogue, len(self.catalogue)
        if self.new and any(code >= n for code in codes):
            old = iter(self.items([code for code in codes if code < n]))
            return [self._of_record(self.new[code - n]) if code >= n else next(old) for code in codes]
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
        return self._having(wanted)

    def allowed_of_bundle(self, wanted: Mapping[str, Any]) -> BoolArray | None:
        """The same of the bundle's items alone."""
        allowed = self.allowed(wanted)
        return None if allowed is None else allowed[: len(self.catalogue)]

    def _having(self, wanted: Mapping[str, Any]) -> BoolArray:
        """(n_items,); items that were put are read once per filter."""
        key = repr(sorted(wanted.items()))
        if (found := self._masks.get(key)) is None:
            check_filter(wanted, self._column_names)
            old = self.catalogue.filter_mask(wanted)
            for code, record in self.changed.items():
                old[code] = matches(record.columns, wanted)
            new = [self._alive(i) and matches(record.columns, wanted) for i, record in enumerate(self.new)]
            found = np.concatenate([old, np.array(new, np.bool_)])
            if not found.any():
                self.catalogue.check_values(wanted)
            if self.hidden is not None:
                found &= ~self.hidden
            if len(self._masks) >= MASKS_KEPT:
                self._masks.clear()
            self._masks[key] = found
        return found

    @cached_property
    def _column_names(self) -> set[str]:
        """Of every item, those that were put included."""
        return self.catalogue.column_names.union(*(record.columns for record in self.records.values()))

    def pipeline(
        self,
        hides: tuple[str, ...] | None = None,
        stages: tuple[StageConfig, ...] = (),
        *,
        key: str | None = None,
    ) -> Pipeline:
        """The bundle's pipeline for a scene, for the catalogue of now; made once for each.

        hides  : the kinds of events, and no others, that hide an item; None as the bundle says
        stages : what happens between the merge and the answer
        key    : their `repr`, where it is known already
        """
        # Without new items the worlds of a bundle share their pipelines.
        made = self._pipelines if self.new else self.catalogue.pipelines
        scene = (hides, repr(stages) if key is None else key)
        if (pipeline := made.get(scene)) is None:
            pipeline = with_stages(self._base, stages, self.table)
            if hides is not None:
                pipeline = pipeline.with_kinds(pipeline.kinds.hiding(hides))
            made[scene] = pipeline
        return pipeline

    @cached_property
    def _base(self) -> Pipeline:
        """The bundle's pipeline for the catalogue of now."""
        pipeline = self.grown or self.catalogue.pipeline
        return pipeline.with_items(self.table, Run(), readers=()) if self.new else pipeline


def _gone(record: ItemRecord) -> bool:
    return record.hidden or record.deleted
