"""Continued pretraining: an encoder reads the texts of one catalogue and guesses hidden words, before any click."""

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
from foretaste.models.tuning.kept import hash_of, keep, named, place_for, training_folder
from foretaste.models.tuning.layers import UpperLayers, body_of, tokens_of
from foretaste.training.loop import train_loop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from foretaste.features.text import TextEncoderConfig
    from foretaste.models.tuning.config import PretrainConfig
    from foretaste.types import LongArray, Run

HEAD_EPOCHS = 1
"""The head is new: it learns alone for so long, or its first guesses would spoil what the encoder knows."""
UNCHANGED, RANDOM = 0.1, 0.1
"""Of the tokens asked for: so many stay as they are, so many become any other; the rest is hidden (BERT)."""


class Masked(NamedTuple):
    """tokens : (B, W) int64 with hidden ones; mask : (B, W) true at tokens; at : (B, W) true where one is asked for;
    targets : (M,) what stood there"""

    tokens: Tensor
    mask: Tensor
    at: Tensor
    targets: Tensor


class MaskedTexts:
    """Batches of texts of like length, a share of their tokens hidden."""

    def __init__(self, tokens: Sequence[LongArray], share: float, tokenizer: Any) -> None:
        self.tokens, self.share = tokens, share
        self._mask, self._pad, self._words = tokenizer.mask_token_id, tokenizer.pad_token_id, len(tokenizer)
        self._special = np.array(sorted(tokenizer.all_special_ids))

    def steps(self, batch_texts: int) -> int:
        return -(-len(self.tokens) // batch_texts)

    def epoch(self, batch_texts: int, rng: np.random.Generator) -> Iterator[Masked]:
        n = self.steps(batch_texts)
        # Like lengths together, but for a little chance, so that batches differ from epoch to epoch.
        lengths = np.array([len(row) for row in self.tokens]) * rng.uniform(0.9, 1.1, len(self.tokens))
        order = np.argsort(lengths, kind="stable")
        for batch in rng.permutation(n):
            yield self._hidden(order[batch * batch_texts : (batch + 1) * batch_texts], rng)

    def _hidden(self, rows: LongArray, rng: np.random.Generator) -> Masked:
        width = max(len(self.tokens[row]) for row in rows)
        tokens = np.full((len(rows), width), self._pad, np.int64)
        for b, row in enumerate(rows):
            tokens[b, : len(self.tokens[row])] = self.tokens[row]
        mask = np.arange(width) < np.array([len(self.tokens[row]) for row in rows])[:, None]
        words = mask & ~np.isin(tokens, self._special)
        at = words & (rng.random(tokens.shape) < self.share)
        if not at.any() and words.any():
            at.flat[np.flatnonzero(words)[0]] = True
        draw = rng.random(tokens.shape)
        shown = np.where(at & (draw >= UNCHANGED + RANDOM), self._mask, tokens)
        other = rng.integers(0, self._words, tokens.shape)
        shown = np.where(at & (draw >= UNCHANGED) & (draw < UNCHANGED + RANDOM), other, shown)
        return Masked(
            torch.from_numpy(shown), torch.from_numpy(mask), torch.from_numpy(at), torch.from_numpy(tokens[at])
        )


class Guesser(nn.Module):
    """logits = LN(gelu(W h)) Eᵀ + b over the vocabulary, E the encoder's own word vectors (Devlin et al. 2019)."""

    def __init__(self, model: Any, body: Any, rank: int) -> None:
        super().__init__()
        self.upper = UpperLayers(model, body, len(body.encoder.layer), rank)
        self._embeddings = [copy.deepcopy(body.embeddings).requires_grad_(False).eval()]  # used, not learned
        width = body.config.hidden_size
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(body.embeddings.word_embeddings.num_embeddings))

    def loss(self, lesson: Masked) -> Tensor:
        embeddings = self._embeddings[0]
        states = self.upper.through(embeddings(lesson.tokens), lesson.mask)
        asked = self.head(states[lesson.at].float())
        words = embeddings.word_embeddings.weight
        return F.cross_entropy((asked.to(words.dtype) @ words.T).float() + self.bias, lesson.targets)


def pretrain(texts: Sequence[str], encoder: TextEncoderConfig, config: PretrainConfig, run: Run) -> TextEncoderConfig:
    """The encoder after it has read these texts, each once per epoch; kept in the cache, and found there again.

    A run that was interrupted goes on from its last whole epoch.
    """
    written = [text for text in dict.fromkeys(texts) if text.strip()]
    folder = place_for("pretrained", encoder, config.model_dump_json(), str(run.seed), hash_of(written))
    if is_adapter(str(folder)):
        return named(encoder, folder)
    model: Any = sentence_transformer(encoder.name, encoder.dtype)
    body = body_of(model, encoder.name)
    tokens = tokens_of(model, body, written, config.most_tokens)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        guesser = Guesser(model, body, config.rank)
    lessons: Any = MaskedTexts(tokens, config.masked, model.tokenizer)
    loss: Any = guesser.loss
    run = replace(run, monitor=None)
    learns = [parameter for parameter in guesser.upper.parameters() if parameter.requires_grad]
    for parameter in learns:
        parameter.requires_grad_(False)
    alone = config.training.model_copy(update={"epochs": HEAD_EPOCHS, "averaging": 0.0})
    inside = training_folder(folder)
    train_loop(guesser, loss, lessons, alone, replace(run, folder=inside / "head"), fingerprint=folder.name)
    for parameter in learns:
        parameter.requires_grad_(True)
    progress = train_loop(guesser, loss, lessons, config.training, replace(run, folder=inside), fingerprint=folder.name)
    how = {"taught": "masked words", "texts": len(written), "config": config.model_dump(mode="json")}
    return keep(folder, encoder, guesser.upper.changes(), how, progress)
