"""A transformer encoder split in two: frozen lower layers, whose output is cached, and fine-tuned upper layers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.errors import ConfigError
from foretaste.models.encoder_tuning.lora import adapter_weights, add_adapters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.types import FloatArray, LongArray, Run

MAX_CACHED_BYTES = 2 << 30
"""Maximum size of the cached output of the frozen layers; above it, the output is recomputed in every batch."""
TOKENS_PER_BATCH = 1_024
"""Maximum tokens, padding included, that go through the layers at once; texts are grouped by length."""
SUPPORTED_ARCHITECTURES = {"bert", "roberta", "xlm-roberta", "camembert"}


def transformer_of(model: Any, name: str) -> Any:
    """The BERT-like transformer inside a sentence-transformers model, with `embeddings` and `encoder.layer`.

    raises : ConfigError for other architectures
    """
    body = getattr(model[0], "auto_model", None)
    kind = getattr(getattr(body, "config", None), "model_type", "none")
    if kind not in SUPPORTED_ARCHITECTURES:
        raise ConfigError(
            f"The encoder '{name}' has the architecture '{kind}', and only "
            f"{', '.join(sorted(SUPPORTED_ARCHITECTURES))} can be fine-tuned."
        )
    return body


class TunedLayers(nn.Module):
    """The top layers with LoRA adapters, then pooling to one vector of length 1: (B, W, D) to (B, C).

    first : index of the lowest fine-tuned layer
    """

    def __init__(self, model: Any, body: Any, n: int, rank: int) -> None:
        super().__init__()
        layers = body.encoder.layer
        self.first = max(0, len(layers) - n)
        self.layers = nn.ModuleList(copy.deepcopy(layer) for layer in layers[self.first :])
        add_adapters(self.layers, rank)
        for child in self.layers.modules():
            if isinstance(child, nn.Dropout):
                child.p = 0.0  # low-rank adapters need none, and attention is much faster without it
        # Pooling and the modules after it are frozen, so they are kept out of `parameters()`.
        self._heads: list[Any] = [copy.deepcopy(head).float().requires_grad_(False) for head in list(model)[1:]]

    def through(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, W, D) output of the last layer.

        states : (B, W, D) output of the frozen layers
        mask   : (B, W) true at tokens, false at padding
        """
        attention_mask = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self.layers:
            states = layer(states, attention_mask)
        return states

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        features: dict[str, Any] = {
            "token_embeddings": self.through(states, mask).float(),
            "attention_mask": mask.long(),
        }
        for head in self._heads:
            features = head(features)
        return nn.functional.normalize(features["sentence_embedding"], dim=1)

    def adapter_weights(self) -> dict[str, Tensor]:
        """The trained adapters, by the names of their layers in the whole transformer."""
        weights: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers):
            weights |= adapter_weights(layer, f"encoder.layer.{self.first + number}.")
        return weights


class FrozenLayers:
    """The output of the frozen lower layers for n texts, computed once where it fits into MAX_CACHED_BYTES.

    tokens  : n arrays of token ids
    lengths : (n,) int64 tokens of each text
    """

    def __init__(self, model: Any, body: Any, texts: Sequence[str], n_lower: int, most_tokens: int, run: Run) -> None:
        self._body, self._n_lower = body, n_lower
        self.tokens = tokenise(model, body, texts, most_tokens)
        self.lengths: LongArray = np.array([len(row) for row in self.tokens], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        self._dtype: torch.dtype = next(body.parameters()).dtype
        self._cached: Tensor | None = None
        if int(self._starts[-1]) * body.config.hidden_size * self._dtype.itemsize <= MAX_CACHED_BYTES:
            self._fill_cache(run)

    def __len__(self) -> int:
        return len(self.tokens)

    def groups(self, rows: LongArray) -> list[LongArray]:
        """These rows, grouped by length (`length_groups`)."""
        return length_groups(self.lengths, rows)

    def states(self, rows: LongArray) -> tuple[Tensor, Tensor]:
        """(B, W, D) output of the frozen layers for B texts, and the (B, W) mask, true at tokens."""
        lengths = torch.from_numpy(self.lengths[rows])
        width = int(lengths.max())
        mask = torch.arange(width) < lengths[:, None]
        if self._cached is None:
            return self._computed(rows, mask), mask
        at = torch.from_numpy(self._starts[rows])[:, None] + torch.arange(width)
        return self._cached[torch.where(mask, at, 0)], mask

    @torch.no_grad()
    def _computed(self, rows: LongArray, mask: Tensor) -> Tensor:
        tokens = torch.full(mask.shape, int(self._body.config.pad_token_id or 0))
        tokens[mask] = torch.from_numpy(np.concatenate([self.tokens[row] for row in rows]))
        states: Tensor = self._body.embeddings(tokens)
        attention_mask = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self._body.encoder.layer[: self._n_lower]:
            states = layer(states, attention_mask)
        return states

    def _fill_cache(self, run: Run) -> None:
        cached = torch.empty(int(self._starts[-1]), self._body.config.hidden_size, dtype=self._dtype)
        done = 0
        for rows in self.groups(np.arange(len(self), dtype=np.int64)):
            states, mask = self.states(rows)
            at = torch.from_numpy(self._starts[rows])[:, None] + torch.arange(mask.shape[1])
            cached[at[mask]] = states[mask]
            done += len(rows)
            run.progress("encoding texts with the frozen layers", done, len(self))
        self._cached = cached


def tokenise(model: Any, body: Any, texts: Sequence[str], most_tokens: int) -> list[LongArray]:
    """The token ids of each text, special tokens included, truncated to `most_tokens`."""
    limit = min(most_tokens, int(body.config.max_position_embeddings) - 2)
    ids = model.tokenizer(list(texts), truncation=True, max_length=limit, verbose=False)["input_ids"]
    return [np.array(row, np.int64) for row in ids]


def length_groups(lengths: LongArray, rows: LongArray) -> list[LongArray]:
    """`rows` split into groups of similar length, shortest first, each of at most TOKENS_PER_BATCH padded tokens.

    lengths : (n,) tokens of each text
    """
    rows = rows[np.argsort(lengths[rows], kind="stable")]
    groups: list[LongArray] = []
    start = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or (at + 1 - start) * lengths[rows[at]] > TOKENS_PER_BATCH:
            groups.append(rows[start:at])
            start = at
    return groups


def encode(tuned: TunedLayers, frozen: FrozenLayers, rows: LongArray) -> Tensor:
    """(N, C) float32 vectors of length 1, in the order of `rows` (N,); gradients flow to the tuned layers."""
    by_length = torch.cat([tuned(*frozen.states(group)) for group in frozen.groups(rows)])
    rank = np.argsort(np.argsort(frozen.lengths[rows], kind="stable"), kind="stable")
    return by_length[torch.from_numpy(rank)]


def encode_all(tuned: TunedLayers, frozen: FrozenLayers) -> FloatArray:
    """(n, C) float32 vectors of all texts with the current weights, without gradients."""
    with torch.no_grad():
        vectors: FloatArray = encode(tuned, frozen, np.arange(len(frozen), dtype=np.int64)).numpy()
    return vectors
