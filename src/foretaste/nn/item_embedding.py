"""What an item is to a network: a learned row, the learned rows of its words, what encoders say of it, or all."""

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
    """Item i says the words codes[starts[i]:starts[i + 1]] of `size`, with these weights."""

    codes: Tensor
    starts: Tensor
    weights: Tensor
    size: int


class ItemEmbedding(nn.Module):
    """e(i) = E[i] + W c(i) + Σ_w t(i, w) V[w], with E, W and V learned; or these parts fused in another way.

    content : (n_items, C) float32 rows of length 1, what a frozen encoder says of the item, 0 where nothing; or None
    words   : the weight t(i, w) of each word in each item, as rows of a sparse matrix; or None
    ids     : False learns from content and words alone: an item nobody has met is as good as any other
    layers  : of the towers that read content
    beside  : more such content by name (pictures, columns, vectors), each with a tower of its own
    fusion  : how the parts become one vector (`nn/fusion.py`)
    met     : (n_items,) bool, whose learned row is learned from anything; None for all
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
        self.some_unmet = ids and fusion != "sum" and met is not None and not bool(met.all())
        self.fuse = fusion_of(fusion, width, there.shape[1], row=ids)

    def forward(self) -> Tensor:
        """(n_items, width) of the whole catalogue."""
        parts: list[Tensor] = []
        if self.ids is not None:
            parts.append(self.ids * self.there[:, :1] if self.some_unmet else self.ids)
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
        found: Tensor = self.fuse(parts, self.there)
        return found

    def from_content(self, content: Tensor) -> Tensor:
        """(S, width) of what no item stands for, and of which only this content (S, C) is known."""
        assert self.project is not None, "only what reads texts knows what to make of them"
        at = 0 if self.ids is None else 1
        read = self.project(content)
        parts = [read if m == at else torch.zeros_like(read) for m in range(self.there.shape[1])]
        there = torch.zeros(len(content), len(parts), dtype=torch.bool, device=content.device)
        there[:, at] = True
        found: Tensor = self.fuse(parts, there)
        return found

    def has_content(self) -> Tensor:
        """(n_items,) whether anything but its code is known of an item."""
        return self.there[:, 0 if self.ids is None else 1 :].any(1).cpu()

    def _read(self, tower: nn.Module, content: Tensor, part: int) -> Tensor:
        """One linear map makes nothing of nothing; several, with constants between them, have to be told."""
        read: Tensor = tower(content)
        return read if self.layers == 1 else read * self.there[:, part, None]

    def _there(self, met: Tensor | None) -> Tensor:
        """(n_items, M) bool, which items have which part, in the order in which the parts are fused."""
        found = []
        if self.ids is not None:
            found.append(torch.ones(self.n_items, dtype=torch.bool) if met is None else met)
        if self.content is not None:
            found.append(self.content.any(1))
        if self.word_codes is not None and self.word_starts is not None:
            ends = torch.cat([self.word_starts[1:], torch.tensor([len(self.word_codes)])])
            found.append(ends > self.word_starts)
        found += [self.get_buffer(f"beside_{name}").any(1) for name in self.beside]
        return torch.stack(found, 1)


def _tower(content_width: int, width: int, layers: int) -> nn.Module:
    """`layers` linear maps with GELU between them, the last into the space of the items."""
    between = [module for _ in range(layers - 1) for module in (nn.Linear(content_width, content_width), nn.GELU())]
    last = nn.Linear(content_width, width, bias=False)
    # Content rows have length 1: this scale makes both parts equally loud at the start.
    nn.init.normal_(last.weight, std=INIT_STD)
    return nn.Sequential(*between, last)
