"""New items as vectors of the bundle's content model: read by the encoder it was trained with; nothing is learned."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.features.items import ItemFeatures, picture_column
from foretaste.models.content.content import Content
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foretaste.events.model import ItemRecord
    from foretaste.pipeline.bundle import Bundle
    from foretaste.types import FloatArray

ENCODERS = {"wordllama": "wordllama"}
"""What an encoder needs to be installed; every other needs sentence-transformers."""
AT_ONCE = 64
"""Items read between two looks at the world: so many are offered by their vectors while the others wait."""


def content_of(bundle: Bundle) -> Content | None:
    """The bundle's content model, where it reads texts and can read more of them here."""
    models = (bundle.pipeline.recalls or {}).values()
    content: Content | None = next((model for model in models if type(model) is Content), None)
    if content is None:
        return None
    read = content.config.read
    needed = ENCODERS.get(read.encoder.name, "sentence_transformers")
    return content if read.text > 0 and content.vectors is not None and find_spec(needed) is not None else None


def warm(content: Content) -> None:
    """Load the language model, which takes seconds, before somebody waits for it."""
    from foretaste.features.text import text_encoder

    text_encoder(content.config.read.encoder).encode_query("ready")


def read_items(content: Content, bundle: Bundle, records: Sequence[ItemRecord]) -> FloatArray:
    """(m, D) rows of length 1, as the rows of `content.vectors`; 0 where a new item says nothing.

    Pictures are not opened: a server that read whatever path a client writes into a column would read it for anybody.
    """
    old = bundle.items
    frame = _frame([record.columns for record in records], old)
    pictures = picture_column(old)
    if pictures is not None and pictures in frame.columns:
        frame = frame.with_columns(pl.lit(None, frame.schema[pictures]).alias(pictures))
    title = old.title or next((name for name in ("title", "name") if name in frame.columns), None)
    table = ItemTable(IdMap([record.name for record in records]), frame, title)
    features: ItemFeatures = content.features
    return features.vectors(table, Run())


def _frame(rows: Sequence[Mapping[str, object]], old: ItemTable) -> pl.DataFrame:
    """The catalogue's columns of these items, null where they do not say or say something of another type."""
    columns = []
    for name, dtype in old.frame.schema.items():
        values = [row.get(name) for row in rows]
        try:
            columns.append(pl.Series(name, values, dtype, strict=False))
        except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
            columns.append(pl.Series(name, [None] * len(values), dtype))
    for name in dict.fromkeys(key for row in rows for key in row):
        if name not in old.frame.columns:  # what the catalogue did not know may still be words
            values = [value if isinstance(value := row.get(name), str) else None for row in rows]
            columns.append(pl.Series(name, values, pl.String))
    return pl.DataFrame(columns)
