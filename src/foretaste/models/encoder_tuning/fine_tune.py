"""Fine-tune a text encoder on user histories: contrastive learning on consecutive items, with LoRA adapters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from foretaste.errors import DataError
from foretaste.features.adapters import is_adapter, read_adapter
from foretaste.features.item_texts import item_texts
from foretaste.features.items import encode_texts
from foretaste.features.language_models import sentence_transformer
from foretaste.models.encoder_tuning.adapter_store import (
    adapter_folder,
    checkpoint_folder,
    hash_of,
    save_adapter,
    with_name,
)
from foretaste.models.encoder_tuning.contrastive import (
    ContrastiveBatch,
    ContrastiveBatches,
    contrastive_loss,
    log_item_shares,
)
from foretaste.models.encoder_tuning.layers import FrozenLayers, TunedLayers, encode, encode_all, transformer_of
from foretaste.models.encoder_tuning.pretrain import pretrain
from foretaste.training.batches import positive_events
from foretaste.training.loop import train_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.data.dataset import Dataset
    from foretaste.features.text import TextEncoderConfig
    from foretaste.models.encoder_tuning.config import FineTuneConfig
    from foretaste.types import FloatArray, Run


class FineTunedEncoder(NamedTuple):
    """
    encoder : settings that name the folder of the adapter; usable by every model that reads texts
    epochs  : the best epoch on validation; the number of epochs where there was no validation
    """

    encoder: TextEncoderConfig
    epochs: int


def fine_tune(
    data: Dataset, config: FineTuneConfig, run: Run, *, validation_score: Callable[[FloatArray], float] | None = None
) -> FineTunedEncoder:
    """A text encoder whose vectors of items that users consume one after the other are similar.

    Items without events are encoded but not trained on. The result is cached under the fingerprint of data, texts and
    settings, so the same call again returns it at once; an interrupted one continues from its last complete epoch.

    validation_score : given the item vectors so far (n_items, C), 0 where an item has no text: the score for early
                       stopping, higher is better; None trains for all epochs
    raises           : DataError where no user has two items with texts; ConfigError for an encoder that has no
                       transformer layers or is of an unsupported architecture
    """
    texts = item_texts(data.items, config.pieces)
    has_text = np.array([bool(text.strip()) for text in texts], bool)
    history = positive_events(data.histories(), data.kinds.weights)
    history = history.where(has_text[history.items])
    if not (history.lengths >= 2).any():
        raise DataError("No user has two items with texts, so there is nothing to fine-tune an encoder on.")
    start = config.encoder
    if config.pretrain is not None:
        start = pretrain(texts, start, config.pretrain, run)
    watched = "watched" if validation_score else "unwatched"
    folder = adapter_folder(
        "tuned", start, config.model_dump_json(), data.fingerprint, hash_of(texts), str(run.seed), watched
    )
    if is_adapter(str(folder)):
        return FineTunedEncoder(with_name(start, folder), int(read_adapter(folder).about["epochs"]))

    model: Any = sentence_transformer(start.name, start.dtype)
    body = transformer_of(model, start.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        tuned = TunedLayers(model, body, config.layers, config.rank)
    frozen = FrozenLayers(model, body, texts, tuned.first, config.most_tokens, run)
    item_vectors = encode_texts(texts, start, run) if config.look_alikes else None
    log_q = log_item_shares(history, data.n_items)

    def loss(batch: ContrastiveBatch) -> Tensor:
        return contrastive_loss(encode(tuned, frozen, batch.items), batch, log_q, config)

    def monitor() -> float:
        assert validation_score is not None
        return validation_score(np.where(has_text[:, None], encode_all(tuned, frozen), np.float32(0)))

    batches: Any = ContrastiveBatches(history, config, item_vectors)
    progress = train_loop(
        tuned,
        loss,  # type: ignore[arg-type]  # the loop needs only the targets of a batch
        batches,
        config.training,
        replace(run, folder=checkpoint_folder(folder), monitor=None),
        monitor=monitor if validation_score else None,
        fingerprint=folder.name,
    )
    how = {"taught": "what people take together", "people": len(batches.rows), "config": config.model_dump(mode="json")}
    return FineTunedEncoder(save_adapter(folder, start, tuned.adapter_weights(), how, progress), progress.best_epoch)
