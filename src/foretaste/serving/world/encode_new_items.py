"""New items as a catalogue behind the bundle's, and which recalls can read them here; nothing is learned."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.features.items import ItemFeatures
from foretaste.models.content.content import Content
from foretaste.protocols import ReadsNewItems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foretaste.events.model import ItemRecord
    from foretaste.pipeline.pipeline import Pipeline

ENCODERS = {"wordllama": "wordllama"}
"""What an encoder needs to be installed; every other needs sentence-transformers."""
AT_ONCE = 64
"""Items read between two looks at the world: so many are judged by the models while the others wait."""


def readers_of(pipeline: Pipeline) -> tuple[str, ...]:
    """The recalls of a pipeline that can read new items here: those that need a language model, where it is there."""
    recalls = pipeline.recalls or {}
    return tuple(name for name, model in recalls.items() if isinstance(model, ReadsNewItems) and _reads_here(model))


def _reads_here(model: object) -> bool:
    if not isinstance(model, Content):
        return True
    needed = ENCODERS.get(model.config.read.encoder.name, "sentence_transformers")
    return bool(model.config.read.text > 0) and find_spec(needed) is not None


def warm(pipeline: Pipeline, readers: Sequence[str]) -> None:
    """Load the language models, which takes seconds, before somebody waits for them."""
    from foretaste.features.text import text_encoder

    for name in readers:
        model: object = (pipeline.recalls or {})[name]
        if isinstance(model, Content):
            read = model.features.config if isinstance(model.features, ItemFeatures) else model.config.read
            text_encoder(read.encoder).encode_query("ready")


def grown_table(old: ItemTable, records: Sequence[ItemRecord | None], pictures: str | None) -> ItemTable:
    """A catalogue with these items behind it, in this order; of None nothing is known.

    pictures : the column of pictures; None where there is none. They are not opened: a server that read whatever path
               a client writes into a column would read it for anybody
    """
    frame = _frame([{} if record is None else record.columns for record in records], old, pictures)
    title = old.title or next((name for name in ("title", "name") if name in frame.columns), None)
    names = [f"\0{i}" if record is None else record.name for i, record in enumerate(records)]
    before = old.frame if old.frame.width else pl.DataFrame(height=len(old))
    frame = pl.concat([before, frame], how="diagonal") if frame.width else frame
    return ItemTable(IdMap(pl.concat([old.ids.names, pl.Series("name", names, pl.String)])), frame, title)


def _frame(rows: Sequence[Mapping[str, object]], old: ItemTable, left_out: str | None) -> pl.DataFrame:
    """The catalogue's columns of these items, null where they do not say or say something of another type."""
    columns = []
    for name, dtype in old.frame.schema.items():
        values: list[Any] = [None if name == left_out else row.get(name) for row in rows]
        if dtype == pl.List(pl.String):
            values = [[value] if isinstance(value, str) else value for value in values]
        try:
            columns.append(pl.Series(name, values, dtype, strict=False))
        except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
            columns.append(pl.Series(name, [None] * len(values), dtype))
    for name in dict.fromkeys(key for row in rows for key in row):
        if name not in old.frame.columns:  # what the catalogue did not know may still be words
            said = [row.get(name) for row in rows]
            if any(isinstance(value, list) for value in said):
                lists = [
                    [v for v in value if isinstance(v, str)] if isinstance(value, list) else None for value in said
                ]
                columns.append(pl.Series(name, lists, pl.List(pl.String)))
            else:
                words = [value if isinstance(value, str) else None for value in said]
                columns.append(pl.Series(name, words, pl.String))
    return pl.DataFrame(columns)
