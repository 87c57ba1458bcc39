"""All a request would otherwise have to look up, made ready once per bundle: names, titles, columns, kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import polars.selectors as cs

from foretaste.errors import UnknownNameError
from foretaste.serving.schemas import Item
from foretaste.serving.settings import MAX_N
from foretaste.types import NO_ITEM, BoolArray, History, IntArray, LongArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.items import ItemTable
    from foretaste.events.model import Past
    from foretaste.pipeline.bundle import Bundle

UNWRITABLE = ("Binary", "Object")
"""Types of columns that JSON has no form for; they stay inside."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One bundle, ready to answer; never changed, so a request that holds it sees one world from start to end.

    ids, titles, columns : one of each per item code
    popular              : (≤ MAX_N,) codes, most popular first
    """

    bundle: Bundle
    ids: list[str]
    titles: list[str]
    columns: list[dict[str, Any]]
    code_of: dict[str, int]
    kind_code_of: dict[str, int]
    popular: IntArray

    @classmethod
    def of(cls, bundle: Bundle) -> Catalogue:
        ids = bundle.items.ids.names.to_list()
        return cls(
            bundle=bundle,
            ids=ids,
            titles=bundle.items.titles(),
            columns=_columns(bundle.items),
            code_of={name: code for code, name in enumerate(ids)},
            kind_code_of={name: code for code, name in enumerate(bundle.kinds.names)},
            popular=bundle.pipeline.popular(MAX_N),
        )

    def code(self, item: str) -> int:
        if (code := self.code_of.get(item)) is None:
            raise UnknownNameError(f"No item is called '{item}'; GET /v1/items lists some that are there.")
        return code

    def codes(self, items: Sequence[str]) -> IntArray:
        """(n,) codes, NO_ITEM for those nobody knows."""
        get = self.code_of.get
        return np.fromiter((get(item, NO_ITEM) for item in items), np.int32, len(items))

    def mask(self, items: Sequence[str]) -> BoolArray:
        """(n_items,) true for these items."""
        codes = self.codes(items)
        mask = np.zeros(len(self.ids), np.bool_)
        mask[codes[codes != NO_ITEM]] = True
        return mask

    def item(self, code: int) -> Item:
        return Item.model_construct(id=self.ids[code], title=self.titles[code], columns=self.columns[code])

    def title_of(self, item: str) -> str:
        """Its title; its id where nobody knows it."""
        code = self.code_of.get(item)
        return item if code is None else self.titles[code]

    def columns_of(self, item: str) -> dict[str, Any]:
        code = self.code_of.get(item)
        return {} if code is None else self.columns[code]

    def history(self, past: Past) -> tuple[History, BoolArray]:
        """What of a past the models can use, as one row, and which events those are: items and kinds that are known."""
        get = self.kind_code_of.get
        items = self.codes(past.item)
        kinds = np.fromiter((get(kind, -1) for kind in past.kind), np.int16, len(past))
        known = (items != NO_ITEM) & (kinds >= 0)
        time: LongArray | None = None
        if None not in past.time:
            time = np.array(past.time, np.int64)[known]
        value = np.array(past.value, np.float32)[known]
        offsets = np.array([0, known.sum()], np.int64)
        return History(items[known], offsets, time, kinds[known].astype(np.uint8), value), known


def _columns(items: ItemTable) -> list[dict[str, Any]]:
    """One dict per item of all but its title, of values that JSON can hold."""
    frame = items.frame if items.title is None else items.frame.drop(items.title)
    unwritable = [name for name, dtype in frame.schema.items() if any(kind in repr(dtype) for kind in UNWRITABLE)]
    frame = frame.drop(unwritable)
    if not frame.width:
        return [{} for _ in range(len(items))]
    return frame.with_columns(cs.temporal().cast(pl.String), cs.decimal().cast(pl.Float64)).to_dicts()
