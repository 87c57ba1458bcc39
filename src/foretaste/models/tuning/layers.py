"""An encoder cut in two: lower layers that stay as they are, whose work is kept, and upper layers that learn."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.errors import ConfigError
from foretaste.models.tuning.lora import changes_in, with_adapters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.types import FloatArray, LongArray, Run

KEPT_BYTES = 2 << 30
"""Of what the lower layers say; of a larger catalogue it is computed anew in every batch."""
TOKENS_AT_ONCE = 1_024
"""Texts of like length go through the layers together, with so many tokens, padding counted."""
SHAPES = {"bert", "roberta", "xlm-roberta", "camembert"}


def body_of(model: Any, name: str) -> Any:
    """The transformer inside a sentence-transformers model: `embeddings`, then `encoder.layer`, as BERT has them."""
    body = getattr(model[0], "auto_model", None)
    kind = getattr(getattr(body, "config", None), "model_type", "none")
    if kind not in SHAPES:
        raise ConfigError(
            f"The encoder '{name}' is of the kind '{kind}', and only {', '.join(sorted(SHAPES))} can be taught."
        )
    return body


class UpperLayers(nn.Module):
    """The layers that learn, and whatever turns tokens into one vector of length 1: (B, W, D) to (B, C)."""

    def __init__(self, model: Any, body: Any, n: int, rank: int) -> None:
        super().__init__()
        layers = body.encoder.layer
        self.first = max(0, len(layers) - n)
        self.layers = nn.ModuleList(copy.deepcopy(layer) for layer in layers[self.first :])
        with_adapters(self.layers, rank)
        for child in self.layers.modules():
            if isinstance(child, nn.Dropout):
                child.p = 0.0  # adapters of small rank need none, and attention without it is far quicker
        # Pooling and what follows it is used as it is, and is no part of what learns.
        self._heads: list[Any] = [copy.deepcopy(head).float().requires_grad_(False) for head in list(model)[1:]]

    def through(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, W, D) of the last layer; mask (B, W) is true at tokens."""
        seen = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self.layers:
            states = layer(states, seen)
        return states

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        features: dict[str, Any] = {
            "token_embeddings": self.through(states, mask).float(),
            "attention_mask": mask.long(),
        }
        for head in self._heads:
            features = head(features)
        return nn.functional.normalize(features["sentence_embedding"], dim=1)

    def changes(self) -> dict[str, Tensor]:
        """What was learned, under the names of the whole transformer."""
        found: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers):
            found |= changes_in(layer, f"encoder.layer.{self.first + number}.")
        return found


class Below:
    """Texts, as the frozen lower layers see them.

    lengths : (n,) tokens of each text
    """

    def __init__(self, model: Any, body: Any, texts: Sequence[str], n_lower: int, most_tokens: int, run: Run) -> None:
        self._body, self._n_lower = body, n_lower
        self.tokens = tokens_of(model, body, texts, most_tokens)
        self.lengths: LongArray = np.array([len(row) for row in self.tokens], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        self._dtype: torch.dtype = next(body.parameters()).dtype
        self._kept: Tensor | None = None
        if int(self._starts[-1]) * body.config.hidden_size * self._dtype.itemsize <= KEPT_BYTES:
            self._keep(run)

    def __len__(self) -> int:
        return len(self.tokens)

    def groups(self, rows: LongArray) -> list[LongArray]:
        return token_groups(self.lengths, rows)

    def states(self, rows: LongArray) -> tuple[Tensor, Tensor]:
        """(B, W, D) states below the layers that learn, and (B, W) true where there is a token."""
        lengths = torch.from_numpy(self.lengths[rows])
        width = int(lengths.max())
        mask = torch.arange(width) < lengths[:, None]
        if self._kept is None:
            return self._computed(rows, mask), mask
        at = torch.from_numpy(self._starts[rows])[:, None] + torch.arange(width)
        return self._kept[torch.where(mask, at, 0)], mask

    @torch.no_grad()
    def _computed(self, rows: LongArray, mask: Tensor) -> Tensor:
        tokens = torch.full(mask.shape, int(self._body.config.pad_token_id or 0))
        tokens[mask] = torch.from_numpy(np.concatenate([self.tokens[row] for row in rows]))
        states: Tensor = self._body.embeddings(tokens)
        seen = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self._body.encoder.layer[: self._n_lower]:
            states = layer(states, seen)
        return states

    def _keep(self, run: Run) -> None:
        kept = torch.empty(int(self._starts[-1]), self._body.config.hidden_size, dtype=self._dtype)
        done = 0
        for rows in self.groups(np.arange(len(self), dtype=np.int64)):
            states, mask = self.states(rows)
            at = torch.from_numpy(self._starts[rows])[:, None] + torch.arange(mask.shape[1])
            kept[at[mask]] = states[mask]
            done += len(rows)
            run.progress("reading texts once", done, len(self))
        self._kept = kept


def tokens_of(model: Any, body: Any, texts: Sequence[str], most_tokens: int) -> list[LongArray]:
    """The tokens of each text with the marks at both ends, at most so many."""
    most = min(most_tokens, int(body.config.max_position_embeddings) - 2)
    found = model.tokenizer(list(texts), truncation=True, max_length=most, verbose=False)["input_ids"]
    return [np.array(row, np.int64) for row in found]


def token_groups(lengths: LongArray, rows: LongArray) -> list[LongArray]:
    """Rows of like length together, TOKENS_AT_ONCE each, padding counted; the short ones first."""
    rows = rows[np.argsort(lengths[rows], kind="stable")]
    groups: list[LongArray] = []
    start = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or (at + 1 - start) * lengths[rows[at]] > TOKENS_AT_ONCE:
            groups.append(rows[start:at])
            start = at
    return groups


def encoded_by(upper: UpperLayers, below: Below, rows: LongArray) -> Tensor:
    """(N, C) float32 vectors of length 1, in the order of `rows`; gradients flow to the layers that learn."""
    found = torch.cat([upper(*below.states(group)) for group in below.groups(rows)])
    place = np.argsort(np.argsort(below.lengths[rows], kind="stable"), kind="stable")
    return found[torch.from_numpy(place)]


def all_vectors(upper: UpperLayers, below: Below) -> FloatArray:
    """(n, C) of every text, as things stand."""
    with torch.no_grad():
        found: FloatArray = encoded_by(upper, below, np.arange(len(below), dtype=np.int64)).numpy()
    return found
