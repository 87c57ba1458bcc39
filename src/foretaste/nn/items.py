"""What an item is to a network: a learned row, the learned rows of its words, what an encoder says of it, or all."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INITIAL = 0.02


class Words(NamedTuple):
    """Item i says the words codes[starts[i]:starts[i + 1]] of `size`, with these weights."""

    codes: Tensor
    starts: Tensor
    weights: Tensor
    size: int


class ItemEmbedding(nn.Module):
    """e(i) = E[i] + W c(i) + Σ_w t(i, w) V[w], with E, W and V learned.

    content : (n_items, C) float32 rows of length 1, what a frozen encoder says of the item, 0 where nothing; or None
    words   : the weight t(i, w) of each word in each item, as rows of a sparse matrix; or None
    ids     : False learns from content and words alone: an item nobody has met is as good as any other
    """

    content: Tensor | None
    word_codes: Tensor | None
    word_starts: Tensor | None
    word_weights: Tensor | None

    def __init__(
        self,
        n_items: int,
        width: int,
        content: Tensor | None = None,
        words: Words | None = None,
        *,
        ids: bool = True,
        layers: int = 1,
    ) -> None:
        super().__init__()
        self.n_items = n_items
        self.ids = nn.Parameter(torch.randn(n_items, width) * INITIAL) if ids else None
        self.register_buffer("content", content)
        self.register_buffer("word_codes", words and words.codes)
        self.register_buffer("word_starts", words and words.starts)
        self.register_buffer("word_weights", words and words.weights)
        self.words = nn.Parameter(torch.randn(words.size, width) * INITIAL) if words else None
        self.project = None if content is None else _tower(content.shape[1], width, layers)

    def forward(self) -> Tensor:
        """(n_items, width) of the whole catalogue."""
        parts: list[Tensor] = [] if self.ids is None else [self.ids]
        if self.project is not None and self.content is not None:
            parts.append(self.project(self.content))
        if self.words is not None and self.word_codes is not None:
            parts.append(
                F.embedding_bag(
                    self.word_codes, self.words, self.word_starts, mode="sum", per_sample_weights=self.word_weights
                )
            )
        return sum(parts[1:], parts[0])

    def described(self) -> Tensor:
        """(n_items,) whether anything but its code is known of an item."""
        found = torch.zeros(self.n_items, dtype=torch.bool)
        if self.content is not None:
            found |= self.content.any(1).cpu()
        if self.word_codes is not None and self.word_starts is not None:
            starts = self.word_starts.cpu()
            found |= torch.cat([starts[1:], torch.tensor([len(self.word_codes)])]) > starts
        return found


def _tower(content_width: int, width: int, layers: int) -> nn.Module:
    """`layers` linear maps with GELU between them, the last into the space of the items."""
    between = [module for _ in range(layers - 1) for module in (nn.Linear(content_width, content_width), nn.GELU())]
    last = nn.Linear(content_width, width, bias=False)
    # Content rows have length 1: this scale makes both parts equally loud at the start.
    nn.init.normal_(last.weight, std=INITIAL)
    return nn.Sequential(*between, last)
