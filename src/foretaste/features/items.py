"""Item feature vectors: texts, columns, pictures and external vectors, weighted and concatenated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl
from pydantic import NonNegativeFloat

from foretaste.config import Config
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.data.pictures import looks_like_places, picture_bytes
from foretaste.errors import DataError
from foretaste.features.columns import ColumnsConfig, ColumnVectors
from foretaste.features.external_vectors import load_external_vectors
from foretaste.features.images import ImageEncoderConfig, image_encoder
from foretaste.features.item_texts import item_texts
from foretaste.features.text import TextEncoderConfig, text_encoder
from foretaste.features.vector_ops import unit_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.types import BoolArray, FloatArray, IntArray, Run


class ItemFeaturesConfig(Config):
    """Weights and encoders of the parts of an item vector."""

    text: NonNegativeFloat = 1.0
    """Weight of the texts; 0 leaves them out."""
    columns: NonNegativeFloat = 0.0
    """Weight of categories, labels, numbers and dates, besides the text that may mention them."""
    pictures: NonNegativeFloat = 0.0
    """Weight of the pictures."""
    ready: NonNegativeFloat = 1.0
    """Weight of the vectors in `ready_file`."""
    encoder: TextEncoderConfig = TextEncoderConfig()
    """The pretrained text encoder of the catalogue; it stays frozen."""
    pieces: tuple[str, ...] | None = None
    """Texts that are read of each item: columns, or templates such as 'by {brand}'. None reads every text column."""
    columns_as: ColumnsConfig = ColumnsConfig()
    picture_encoder: ImageEncoderConfig = ImageEncoderConfig()
    picture_column: str | None = None
    """The column of image paths or addresses; None takes the first that looks like one."""
    ready_file: str | None = None
    """External vectors (sound, video): a file as `load_external_vectors` reads it."""


class ItemFeatures:
    """vector(i) = the concatenated parts of i, part p scaled to length √weight(p), the whole to length 1.

    So a cosine is the weighted mean of the parts' cosines; a missing part is 0, and the others count for more.
    """

    def __init__(self, config: ItemFeaturesConfig | None = None, columns: ColumnVectors | None = None) -> None:
        self.config = config or ItemFeaturesConfig()
        self._columns = columns

    def fit(self, items: ItemTable, rows: BoolArray | None = None) -> Self:
        """Learn the vocabularies and quantiles of the columns.

        rows : (n_items,) bool, true for items of the training data; None for all
        """
        if self.config.columns and items.frame.width:
            self._columns = ColumnVectors.fit(items.frame, self.config.columns_as, rows)
        return self

    def vectors(self, items: ItemTable, run: Run) -> FloatArray:
        """(n_items, D) float32 rows of length 1; 0 where an item has no part. D is the same for every table.

        DataError where every part has weight 0.
        """
        parts = [
            (weight, part)
            for weight, part in (
                (self.config.text, self._texts(items, run)),
                (self.config.columns, self._of_columns(items)),
                (self.config.pictures, self._pictures(items, run)),
                (self.config.ready, self._ready(items)),
            )
            if part is not None
        ]
        if not parts:
            raise DataError("No part of the items is used: give text, columns, pictures or ready_file a weight.")
        return weighted_concat([part for _, part in parts], [weight for weight, _ in parts])

    def of_rows(self, items: ItemTable, rows: IntArray, run: Run) -> FloatArray:
        """(R, D) vectors of the items `rows` (R,) of a catalogue."""
        frame = items.frame[rows.tolist()] if items.frame.width else items.frame
        return self.vectors(ItemTable(IdMap(items.ids.names.gather(rows)), frame, items.title), run)

    def save(self, folder: Path | str) -> None:
        """Write what `fit` learned."""
        if self._columns is not None:
            Path(folder, "columns.json").write_text(self._columns.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str, config: ItemFeaturesConfig) -> Self:
        """Inverse of `save`."""
        learned = Path(folder, "columns.json")
        return cls(config, ColumnVectors.from_json(learned.read_text("utf-8")) if learned.is_file() else None)

    def _texts(self, items: ItemTable, run: Run) -> FloatArray | None:
        if not self.config.text:
            return None
        return encode_texts(item_texts(items, self.config.pieces), self.config.encoder, run)

    def _of_columns(self, items: ItemTable) -> FloatArray | None:
        if not self.config.columns or self._columns is None:
            return None
        return unit_rows(self._columns.transform(items.frame))

    def _pictures(self, items: ItemTable, run: Run) -> FloatArray | None:
        if not self.config.pictures:
            return None
        column = self.config.picture_column or picture_column(items)
        places: Sequence[str | None] = items.frame[column].to_list() if column else [None] * len(items)
        contents = iter(picture_bytes([place for place in places if place]))
        given = (next(contents) if place else None for place in places)
        return image_encoder(self.config.picture_encoder).encode(given, run, len(items)).vectors

    def _ready(self, items: ItemTable) -> FloatArray | None:
        if not self.config.ready or not self.config.ready_file:
            return None
        return load_external_vectors(Path(self.config.ready_file), items.ids).vectors


def weighted_concat(parts: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    """(n, ΣD) concatenation of the parts scaled by √weight, each row of length 1, or 0 where all parts are 0.

    parts   : of (n, D) each, rows of length 1 or 0
    weights : one ≥ 0 per part
    """
    whole = np.concatenate([np.sqrt(weight) * part for part, weight in zip(parts, weights, strict=True)], axis=1)
    return unit_rows(whole).astype(np.float32)


def encode_texts(texts: Sequence[str], encoder: TextEncoderConfig, run: Run) -> FloatArray:
    """(n, D) text embeddings, rows of length 1; 0 for an empty text, which the model would still give a vector."""
    filled = [i for i, text in enumerate(texts) if text.strip()]
    vectors = text_encoder(encoder).encode([texts[i] for i in filled], run)
    whole: FloatArray = np.zeros((len(texts), vectors.shape[1]), np.float32)
    whole[filled] = vectors
    return whole


def picture_column(items: ItemTable) -> str | None:
    """The first column of image paths or addresses, None without one."""
    strings = (name for name, dtype in items.frame.schema.items() if dtype == pl.String)
    return next((name for name in strings if looks_like_places(items.frame[name]) or "#" in _first(items, name)), None)


def _first(items: ItemTable, name: str) -> str:
    """Its first value if that refers to a row of a Parquet file, as 'posters.parquet#12', else empty."""
    value = items.frame[name].drop_nulls().head(1).to_list()
    return value[0] if value and ".parquet#" in value[0] else ""
