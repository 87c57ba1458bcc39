"""What is known of items apart from who took them, as networks read it: texts, words, pictures, columns, vectors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

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


def content_vectors(data: Dataset, encoder: TextEncoderConfig, run: Run) -> FloatArray:
    """(n_items, C) rows of length 1, 0 for items without words."""
    texts = data.items.texts()
    written = [i for i, text in enumerate(texts) if text]
    vectors = text_encoder(encoder).encode([texts[i] for i in written] or [""], run)
    content = np.zeros((len(texts), vectors.shape[1]), np.float32)
    content[written] = vectors[: len(written)]
    return content


def words_of(data: Dataset, run: Run) -> ItemTokens:
    """The telling words of each item, as telling as they are rare."""
    model = Tfidf().fit(data, run)
    found = fitted(model.vectors, model)
    return ItemTokens(
        torch.from_numpy(found.indices.astype(np.int64)),
        torch.from_numpy(found.indptr[:-1].astype(np.int64)),
        torch.from_numpy(found.data.astype(np.float32)),
        found.shape[1],
    )


def beside_texts(data: Dataset, config: SequenceConfig, met: BoolArray, run: Run) -> dict[str, Tensor]:
    """By name, (n_items, C_m) rows of length 1, 0 for items that lack it; a part of which no item has any is left out.

    met : (n_items,) items of the training: which values the columns have is learned from these
    """
    parts: dict[str, ItemFeaturesConfig] = {}
    if config.pictures is not None:
        parts["pictures"] = ItemFeaturesConfig(text=0, pictures=1, picture_encoder=config.pictures)
    if config.item_columns is not None:
        parts["columns"] = ItemFeaturesConfig(text=0, columns=1, columns_as=config.item_columns)
    if config.vectors is not None:
        parts["vectors"] = ItemFeaturesConfig(text=0, ready_file=config.vectors)
    read = {
        name: ItemFeatures(one).fit(data.items, met).vectors(data.items, run)
        for name, one in parts.items()
        if name != "columns" or data.items.frame.width
    }
    found = {name: torch.from_numpy(vectors) for name, vectors in read.items() if vectors.any()}
    for name in parts.keys() - found.keys():
        log.warning("No item has any %s: the network learns without them.", name)
    return found


def similar_items(data: Dataset, count: int, run: Run) -> IntArray:
    """(n_items, count) the items taken by the same people as each, the likest first, −1 where there are fewer."""
    speak = ItemKNN(ItemKNNConfig(neighbours=count)).learned(data, run).weights.T.tocsr()  # row i: what speaks for i
    found = np.full((data.n_items, count), -1, np.int32)
    row = np.repeat(np.arange(data.n_items), np.diff(speak.indptr))
    order = np.lexsort((speak.indices, -speak.data, row))
    place = np.arange(len(order)) - speak.indptr[row]
    found[row, place] = speak.indices[order]
    return found
