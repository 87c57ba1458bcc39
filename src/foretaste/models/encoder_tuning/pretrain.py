"""Continued pretraining of a text encoder on a catalogue's texts by masked language modelling; needs no events."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foretaste.features.adapters import is_adapter
from foretaste.features.language_models import sentence_transformer
from foretaste.models.encoder_tuning.adapter_store import (
    adapter_folder,
    checkpoint_folder,
    hash_of,
    save_adapter,
    with_name,
)
from foretaste.models.encoder_tuning.layers import TunedLayers, tokenise, transformer_of
from foretaste.training.loop import train_loop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from foretaste.features.text import TextEncoderConfig
    from foretaste.models.encoder_tuning.config import PretrainConfig
    from foretaste.types import LongArray, Run

HEAD_EPOCHS = 1
"""Epochs that train the new head alone, so that its large first gradients do not damage the encoder."""
UNCHANGED, RANDOM = 0.1, 0.1
"""Shares of the predicted tokens that stay unchanged, and that are replaced at random; the rest is masked (BERT)."""


class MaskedBatch(NamedTuple):
    """
    tokens    : (B, W) int64 token ids, some of them masked
    mask      : (B, W) true at tokens, false at padding
    predicted : (B, W) true at the M tokens to predict
    targets   : (M,) int64 their original ids
    """

    tokens: Tensor
    mask: Tensor
    predicted: Tensor
    targets: Tensor


class MaskedTextBatches:
    """Batches of texts of similar length, with a share of their tokens masked."""

    def __init__(self, tokens: Sequence[LongArray], share: float, tokenizer: Any) -> None:
        self.tokens, self.share = tokens, share
        self._mask, self._pad, self._words = tokenizer.mask_token_id, tokenizer.pad_token_id, len(tokenizer)
        self._special = np.array(sorted(tokenizer.all_special_ids))

    def steps(self, batch_texts: int) -> int:
        return -(-len(self.tokens) // batch_texts)

    def epoch(self, batch_texts: int, rng: np.random.Generator) -> Iterator[MaskedBatch]:
        n = self.steps(batch_texts)
        # Grouped by length, with some noise so that batches differ from epoch to epoch.
        lengths = np.array([len(row) for row in self.tokens]) * rng.uniform(0.9, 1.1, len(self.tokens))
        order = np.argsort(lengths, kind="stable")
        for batch in rng.permutation(n):
            yield self._masked_batch(order[batch * batch_texts : (batch + 1) * batch_texts], rng)

    def _masked_batch(self, rows: LongArray, rng: np.random.Generator) -> MaskedBatch:
        width = max(len(self.tokens[row]) for row in rows)
        tokens = np.full((len(rows), width), self._pad, np.int64)
        for b, row in enumerate(rows):
            tokens[b, : len(self.tokens[row])] = self.tokens[row]
        mask = np.arange(width) < np.array([len(self.tokens[row]) for row in rows])[:, None]
        words = mask & ~np.isin(tokens, self._special)
        predicted = words & (rng.random(tokens.shape) < self.share)
        if not predicted.any() and words.any():
            predicted.flat[np.flatnonzero(words)[0]] = True
        draw = rng.random(tokens.shape)
        shown = np.where(predicted & (draw >= UNCHANGED + RANDOM), self._mask, tokens)
        other = rng.integers(0, self._words, tokens.shape)
        shown = np.where(predicted & (draw >= UNCHANGED) & (draw < UNCHANGED + RANDOM), other, shown)
        parts = (shown, mask, predicted, tokens[predicted])
        return MaskedBatch(*(torch.from_numpy(part) for part in parts))


class MaskedLanguageModel(nn.Module):
    """logits = LN(gelu(W h)) Eᵀ + b over the vocabulary, with E the encoder's token embeddings (Devlin et al. 2019)."""

    def __init__(self, model: Any, body: Any, rank: int) -> None:
        super().__init__()
        self.tuned = TunedLayers(model, body, len(body.encoder.layer), rank)
        # In a list, so that the frozen embeddings are no parameters of this module.
        self._embeddings = [copy.deepcopy(body.embeddings).requires_grad_(False).eval()]
        width = body.config.hidden_size
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(body.embeddings.word_embeddings.num_embeddings))

    def loss(self, batch: MaskedBatch) -> Tensor:
        """Scalar: mean cross-entropy of the masked tokens."""
        embeddings = self._embeddings[0]
        states = self.tuned.through(embeddings(batch.tokens), batch.mask)
        hidden = self.head(states[batch.predicted].float())
        words = embeddings.word_embeddings.weight
        return F.cross_entropy((hidden.to(words.dtype) @ words.T).float() + self.bias, batch.targets)


def pretrain(texts: Sequence[str], encoder: TextEncoderConfig, config: PretrainConfig, run: Run) -> TextEncoderConfig:
    """The encoder after training on these texts, each once per epoch; cached under texts, settings and seed.

    An interrupted run continues from its last complete epoch. Raises ConfigError as `fine_tune` does.
    """
    distinct = [text for text in dict.fromkeys(texts) if text.strip()]
    folder = adapter_folder("pretrained", encoder, config.model_dump_json(), str(run.seed), hash_of(distinct))
    if is_adapter(str(folder)):
        return with_name(encoder, folder)
    model: Any = sentence_transformer(encoder.name, encoder.dtype)
    body = transformer_of(model, encoder.name)
    tokens = tokenise(model, body, distinct, config.most_tokens)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        network = MaskedLanguageModel(model, body, config.rank)
    batches: Any = MaskedTextBatches(tokens, config.masked, model.tokenizer)
    loss: Any = network.loss
    run = replace(run, monitor=None)
    adapters = [parameter for parameter in network.tuned.parameters() if parameter.requires_grad]
    for parameter in adapters:
        parameter.requires_grad_(False)
    head_training = config.training.model_copy(update={"epochs": HEAD_EPOCHS, "averaging": 0.0})
    checkpoints = checkpoint_folder(folder)
    train_loop(
        network, loss, batches, head_training, replace(run, folder=checkpoints / "head"), fingerprint=folder.name
    )
    for parameter in adapters:
        parameter.requires_grad_(True)
    progress = train_loop(
        network, loss, batches, config.training, replace(run, folder=checkpoints), fingerprint=folder.name
    )
    how = {"taught": "masked words", "texts": len(distinct), "config": config.model_dump(mode="json")}
    return save_adapter(folder, encoder, network.tuned.adapter_weights(), how, progress)
