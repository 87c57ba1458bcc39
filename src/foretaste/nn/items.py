"""What an item is to a network: a learned row, what its texts and pictures say through one linear layer, or both."""

from __future__ import annotations

import torch
from torch import Tensor, nn

INITIAL = 0.02


class ItemEmbedding(nn.Module):
    """e(i) = E[i] + W c(i), with E learned and c(i) the frozen content vector of the item.

    content : (n_items, C) float32 rows of length 1, 0 where nothing is known of the item; or None
    ids     : False learns from content alone, so that an item nobody has met is as good as any other
    """

    content: Tensor | None

    def __init__(
        self, n_items: int, width: int, content: Tensor | None = None, *, ids: bool = True, layers: int = 1
    ) -> None:
        super().__init__()
        self.ids = nn.Parameter(torch.randn(n_items, width) * INITIAL) if ids else None
        self.register_buffer("content", content)
        self.project = None if content is None else _tower(content.shape[1], width, layers)

    def forward(self) -> Tensor:
        """(n_items, width) of the whole catalogue."""
        parts = [] if self.ids is None else [self.ids]
        if self.project is not None and self.content is not None:
            parts.append(self.project(self.content))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _tower(content_width: int, width: int, layers: int) -> nn.Module:
    """`layers` linear maps with GELU between them, the last into the space of the items."""
    between = [module for _ in range(layers - 1) for module in (nn.Linear(content_width, content_width), nn.GELU())]
    last = nn.Linear(content_width, width, bias=False)
    # Content rows have length 1: this scale makes both parts equally loud at the start.
    nn.init.normal_(last.weight, std=INITIAL)
    return nn.Sequential(*between, last)
