"""Item embeddings: a learned id embedding, token embeddings, projected content vectors, fused into one vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foretaste.nn.fusion import FusionKind, fusion_of

if TYPE_CHECKING:
    from collections.abc import Mapping

INIT_STD = 0.02


class ItemTokens(NamedTuple):
    """A weighted bag of tokens per item: item i has codes[starts[i]:starts[i + 1]].

    codes : (N,) int64, starts : (n_items,) int64, weights : (N,) float32, size : vocabulary size
    """

    codes: Tensor
    starts: Tensor
    weights: Tensor
    size: int


class ItemEmbedding(nn.Module):
    """e(i) = E[i] + W c(i) + Σ_w t(i, w) V[w], with E, W and V learned; or another fusion of these parts.

    content : (n_items, C) float32 rows of length 1 from a frozen encoder, 0 where an item has none; or None
    words   : the weights t(i, w) of the tokens of each item; or None
    ids     : False leaves E out: items are content alone, so cold-start items are treated like all others
    layers  : of the content towers
    beside  : further content by name (pictures, columns, vectors), each with its own tower
    fusion  : how the parts are combined (`nn/fusion.py`)
    met     : (n_items,) bool, items with training events, whose id embedding is trained; None for all
    """

    content: Tensor | None
    word_codes: Tensor | None
    word_starts: Tensor | None
    word_weights: Tensor | None
    there: Tensor

    def __init__(
        self,
        n_items: int,
        width: int,
        content: Tensor | None = None,
        words: ItemTokens | None = None,
        *,
        ids: bool = True,
        layers: int = 1,
        beside: Mapping[str, Tensor] | None = None,
        fusion: FusionKind = "sum",
        met: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.n_items, self.layers = n_items, layers
        self.ids = nn.Parameter(torch.randn(n_items, width) * INIT_STD) if ids else None
        self.register_buffer("content", content)
        self.register_buffer("word_codes", words and words.codes)
        self.register_buffer("word_starts", words and words.starts)
        self.register_buffer("word_weights", words and words.weights)
        self.words = nn.Parameter(torch.randn(words.size, width) * INIT_STD) if words else None
        self.project = None if content is None else _tower(content.shape[1], width, layers)
        self.beside = nn.ModuleDict({name: _tower(c.shape[1], width, layers) for name, c in (beside or {}).items()})
        for name, vectors in (beside or {}).items():
            self.register_buffer(f"beside_{name}", vectors)
        there = self._there(met)
        self.register_buffer("there", there, persistent=False)
        self._masks_ids = ids and fusion != "sum" and met is not None and not bool(met.all())
        self.fuse = fusion_of(fusion, width, there.shape[1], row=ids)

    def forward(self) -> Tensor:
        """(n_items, width) embeddings of the whole catalogue."""
        parts: list[Tensor] = []
        if self.ids is not None:
            parts.append(self.ids * self.there[:, :1] if self._masks_ids else self.ids)
        if self.project is not None and self.content is not None:
            parts.append(self._read(self.project, self.content, len(parts)))
        if self.words is not None and self.word_codes is not None:
            parts.append(
                F.embedding_bag(
                    self.word_codes, self.words, self.word_starts, mode="sum", per_sample_weights=self.word_weights
                )
            )
        for name, tower in self.beside.items():
            parts.append(self._read(tower, self.get_buffer(f"beside_{name}"), len(parts)))
        fused: Tensor = self.fuse(parts, self.there)
        return fused

    def from_content(self, content: Tensor) -> Tensor:
        """(S, width) embeddings of content (S, C) that belongs to no item, such as a search text."""
        assert self.project is not None, "needs an embedding that reads texts"
        at = 0 if self.ids is None else 1
        read = self.project(content)
        parts = [read if m == at else torch.zeros_like(read) for m in range(self.there.shape[1])]
        there = torch.zeros(len(content), len(parts), dtype=torch.bool, device=content.device)
        there[:, at] = True
        fused: Tensor = self.fuse(parts, there)
        return fused

    def has_content(self) -> Tensor:
        """(n_items,) bool, items with any part other than the id embedding."""
        return self.there[:, 0 if self.ids is None else 1 :].any(1).cpu()

    def _read(self, tower: nn.Module, content: Tensor, part: int) -> Tensor:
        """(n, width) projected content, 0 where there is none: a deeper tower has biases and must be masked."""
        read: Tensor = tower(content)
        return read if self.layers == 1 else read * self.there[:, part, None]

    def _there(self, met: Tensor | None) -> Tensor:
        """(n_items, M) bool, which items have which part, in fusion order."""
        columns = []
        if self.ids is not None:
            columns.append(torch.ones(self.n_items, dtype=torch.bool) if met is None else met)
        if self.content is not None:
            columns.append(self.content.any(1))
        if self.word_codes is not None and self.word_starts is not None:
            ends = torch.cat([self.word_starts[1:], torch.tensor([len(self.word_codes)])])
            columns.append(ends > self.word_starts)
        columns += [self.get_buffer(f"beside_{name}").any(1) for name in self.beside]
        return torch.stack(columns, 1)


def _tower(content_width: int, width: int, layers: int) -> nn.Module:
    """An MLP of `layers` linear maps with GELU in between, from content to item space."""
    between = [module for _ in range(layers - 1) for module in (nn.Linear(content_width, content_width), nn.GELU())]
    last = nn.Linear(content_width, width, bias=False)
    # Content rows have length 1: with this scale both parts have the same norm at initialisation.
    nn.init.normal_(last.weight, std=INIT_STD)
    return nn.Sequential(*between, last)
