"""Teach a text encoder what people take together: contrastive learning on co-engaged items, with small adapters."""

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
from foretaste.models.tuning.engaged import Engaged, Together, contrastive
from foretaste.models.tuning.kept import hash_of, keep, named, place_for, training_folder
from foretaste.models.tuning.layers import Below, UpperLayers, all_vectors, body_of, encoded_by
from foretaste.models.tuning.pretrain import pretrain
from foretaste.training.batches import positive_events
from foretaste.training.loop import train_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from foretaste.data.dataset import Dataset
    from foretaste.features.text import TextEncoderConfig
    from foretaste.models.tuning.config import FineTuneConfig
    from foretaste.types import FloatArray, Run


class FineTuned(NamedTuple):
    """encoder : names the folder of what was learned; give it to any model that reads texts
    epochs  : after which validation was best; all of them where nobody watched
    """

    encoder: TextEncoderConfig
    epochs: int


def fine_tune(
    data: Dataset, config: FineTuneConfig, run: Run, *, measured: Callable[[FloatArray], float] | None = None
) -> FineTuned:
    """A text encoder for which what one person takes one after the other is alike.

    Items of the data that nobody took are read but not learned from: new ones may stand in the catalogue. Kept in the
    cache under the fingerprint of data, texts and settings, so the same call again learns nothing; an interrupted one
    goes on from its last whole epoch.

    measured : the validation score of the vectors (n_items, C) so far, 0 where an item has no text, for early stopping
    """
    texts = item_texts(data.items, config.pieces)
    written = np.array([bool(text.strip()) for text in texts], bool)
    history = positive_events(data.histories(), data.kinds.weights)
    history = history.where(written[history.items])
    if not (history.lengths >= 2).any():
        raise DataError("Nobody took two items that have texts: an encoder has nothing to be fine-tuned on.")
    start = config.encoder
    if config.pretrain is not None:
        start = pretrain(texts, start, config.pretrain, run)
    watched = "watched" if measured else "unwatched"
    folder = place_for(
        "tuned", start, config.model_dump_json(), data.fingerprint, hash_of(texts), str(run.seed), watched
    )
    if is_adapter(str(folder)):
        return FineTuned(named(start, folder), int(read_adapter(folder).about["epochs"]))

    model: Any = sentence_transformer(start.name, start.dtype)
    body = body_of(model, start.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        upper = UpperLayers(model, body, config.layers, config.rank)
    below = Below(model, body, texts, upper.first, config.most_tokens, run)
    alike = encode_texts(texts, start, run) if config.look_alikes else None
    often = np.bincount(history.items, minlength=data.n_items)
    log_q = torch.from_numpy(np.log(np.maximum(often, 1) / len(history.items)).astype(np.float32))

    def loss(lesson: Engaged) -> Tensor:
        return contrastive(encoded_by(upper, below, lesson.items), lesson, log_q, config)

    def monitor() -> float:
        assert measured is not None
        return measured(np.where(written[:, None], all_vectors(upper, below), np.float32(0)))

    lessons: Any = Together(history, config, alike)
    progress = train_loop(
        upper,
        loss,  # type: ignore[arg-type]  # the loop asks of a lesson only that it has targets
        lessons,
        config.training,
        replace(run, folder=training_folder(folder), monitor=None),
        monitor=monitor if measured else None,
        fingerprint=folder.name,
    )
    how = {"taught": "what people take together", "people": len(lessons.rows), "config": config.model_dump(mode="json")}
    return FineTuned(keep(folder, start, upper.changes(), how, progress), progress.best_epoch)
