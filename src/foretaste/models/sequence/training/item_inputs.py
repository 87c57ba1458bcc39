"""What networks read of items besides their ids: text vectors, words, pictures, columns, ready-made vectors."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from foretaste.errors import ConfigError, DataError
from foretaste.features.items import ItemFeatures, ItemFeaturesConfig
from foretaste.features.text import TextEncoderConfig, text_encoder
from foretaste.models.content.tfidf import Tfidf
from foretaste.models.neighbours.itemknn import ItemKNN, ItemKNNConfig
from foretaste.models.saving import fitted
from foretaste.nn.item_embedding import ItemTokens

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.types import BoolArray, FloatArray, IntArray, Run

log = logging.getLogger("foretaste.models")


@dataclass(frozen=True, eq=False)
class ItemInputs:
    """
    text_vectors : (n_items, C) float32 rows of length 1, 0 for items without text; None where texts are not read
    words        : tf-idf weights of the items' words; None where words are not read
    modalities   : by name (pictures, columns, vectors), (n_items, C_m) float32 rows of length 1, 0 where missing
    """

    text_vectors: Tensor | None
    words: ItemTokens | None
    modalities: dict[str, Tensor]

    @property
    def ids_only(self) -> bool:
        """Whether nothing but the ids of items is read."""
        return self.text_vectors is None and self.words is None and not self.modalities


def read_item_inputs(name: str, data: Dataset, config: SequenceConfig, seen_items: BoolArray, run: Run) -> ItemInputs:
    """The inputs that `config` asks for.

    name       : of the model, for error messages
    seen_items : (n_items,) items of the training data; encodings of columns are fitted on these
    raises     : DataError where the catalogue has not what is asked for; ConfigError where, without ids, nothing is
    """
    modalities = item_modalities(data, config, seen_items, run)
    has_texts = any(data.items.texts())
    if not config.ids and not modalities and not has_texts:
        raise DataError(f"The model '{name}' reads texts of items, and this catalogue has none; leave it out.")
    if not (config.ids or config.texts or config.words or modalities):
        raise ConfigError(
            f"With ids = false the model '{name}' has to read something else of items: set texts or words, or, where "
            "the catalogue has them, pictures, item_columns or vectors."
        )
    text_vectors = None if config.texts is None else torch.from_numpy(item_text_vectors(data, config.texts, run))
    for setting, available in (("texts", text_vectors is None or text_vectors.any()), ("words", has_texts)):
        if getattr(config, setting) and config.ids and not available:
            raise DataError(f"'{name}' is to read the {setting} of items, and this catalogue has none; leave it out.")
    words = item_words(data, run) if config.words else None
    return ItemInputs(text_vectors, words, modalities)


def item_text_vectors(data: Dataset, encoder: TextEncoderConfig, run: Run) -> FloatArray:
    """(n_items, C) float32 rows of length 1, 0 for items without text."""
    texts = data.items.texts()
    with_text = [i for i, text in enumerate(texts) if text]
    vectors = text_encoder(encoder).encode([texts[i] for i in with_text] or [""], run)
    rows = np.zeros((len(texts), vectors.shape[1]), np.float32)
    rows[with_text] = vectors[: len(with_text)]
    return rows


def item_words(data: Dataset, run: Run) -> ItemTokens:
    """The words of each item with their tf-idf weights."""
    model = Tfidf().fit(data, run)
    rows = fitted(model.vectors, model)
    return ItemTokens(
        torch.from_numpy(rows.indices.astype(np.int64)),
        torch.from_numpy(rows.indptr[:-1].astype(np.int64)),
        torch.from_numpy(rows.data.astype(np.float32)),
        rows.shape[1],
    )


def item_modalities(data: Dataset, config: SequenceConfig, seen_items: BoolArray, run: Run) -> dict[str, Tensor]:
    """Pictures, columns and vectors by name, each (n_items, C_m) float32 rows of length 1, 0 for items without.

    A modality that no item has is left out, and the log says so.

    seen_items : (n_items,) items of the training data; encodings of columns are fitted on these
    """
    requested: dict[str, ItemFeaturesConfig] = {}
    if config.pictures is not None:
        requested["pictures"] = ItemFeaturesConfig(text=0, pictures=1, picture_encoder=config.pictures)
    if config.item_columns is not None:
        requested["columns"] = ItemFeaturesConfig(text=0, columns=1, columns_as=config.item_columns)
    if config.vectors is not None:
        requested["vectors"] = ItemFeaturesConfig(text=0, ready_file=config.vectors)
    vectors = {
        name: ItemFeatures(features).fit(data.items, seen_items).vectors(data.items, run)
        for name, features in requested.items()
        if name != "columns" or data.items.frame.width
    }
    available = {name: torch.from_numpy(rows) for name, rows in vectors.items() if rows.any()}
    for name in requested.keys() - available.keys():
        log.warning("No item has any %s: the network learns without them.", name)
    return available


def similar_items(data: Dataset, count: int, run: Run) -> IntArray:
    """(n_items, count) int32: the items with the most similar users (item kNN), most similar first, −1 for padding."""
    neighbours = ItemKNN(ItemKNNConfig(neighbours=count)).fit_weights(data, run).weights.T.tocsr()
    similar = np.full((data.n_items, count), -1, np.int32)
    row = np.repeat(np.arange(data.n_items), np.diff(neighbours.indptr))
    order = np.lexsort((neighbours.indices, -neighbours.data, row))
    rank = np.arange(len(order)) - neighbours.indptr[row]
    similar[row, rank] = neighbours.indices[order]
    return similar
