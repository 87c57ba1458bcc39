"""Self-attention over ragged rows (Vaswani et al. 2017; for next items: Kang & McAuley, ICDM 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foretaste.nn.dropout import Dropout
from foretaste.nn.ragged import gather_rows
from foretaste.nn.rotary import Rotary

if TYPE_CHECKING:
    from foretaste.nn.ragged import Batch
    from foretaste.nn.sequence_cache import SequenceCache


Positions = Literal["learned", "rotary"]


class Attention(nn.Module):
    """softmax(Q Kᵀ / √d) V within each row; causal rows attend only to earlier events.

    rotary : rotary position embedding of queries and keys, or None
    """

    def __init__(self, width: int, heads: int, *, causal: bool, rotary: Rotary | None = None) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.rotary = rotary

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """(T, width) to (T, width)."""
        width = x.shape[1]
        qkv = self.qkv(x)
        if self.rotary is not None:
            qkv = torch.cat([self.rotary(qkv[:, : 2 * width], batch.position), qkv[:, 2 * width :]], 1)
        longer = torch.cat([qkv, qkv.new_zeros(1, 3 * width)])
        grids, at = batch.pieces()
        outputs = []
        for grid in grids:
            B, W = grid.shape
            q, k, v = gather_rows(longer, grid).view(B, W, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
            # Padding follows the events, where causal attention never looks.
            mask = None if self.causal else (grid < len(x))[:, None, None, :]
            attended = F.scaled_dot_product_attention(q, k, v, mask, is_causal=self.causal)
            outputs.append(attended.transpose(1, 2).reshape(B * W, width))
        return self.out(gather_rows(torch.cat(outputs), at))

    def extend(self, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """Incremental forward: the newest n events of one row attend to themselves and to those before (causal only).

        x       : (n, width)
        past    : (2, heads, t, width / heads) keys and values of the t events before, None for t = 0
        returns : (n, width) outputs, and the keys and values of all t + n
        """
        n, width = x.shape
        qkv = self.qkv(x)
        if self.rotary is not None:
            position = torch.arange(n) + (0 if past is None else past.shape[2])
            qkv = torch.cat([self.rotary(qkv[:, : 2 * width], position), qkv[:, 2 * width :]], 1)
        q, k, v = qkv.view(n, 3, self.heads, width // self.heads).permute(1, 2, 0, 3)
        own = torch.stack([k, v])
        keys_values = own if past is None else torch.cat([past, own], 2)
        before = keys_values.shape[2] - n
        mask = None if n == 1 else torch.ones(n, before + n, dtype=torch.bool).tril(before)
        attended = F.scaled_dot_product_attention(q, keys_values[0], keys_values[1], mask)
        return self.out(attended.transpose(0, 1).reshape(n, width)), keys_values


class Block(nn.Module):
    """Pre-norm block: x + attention(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(
        self, width: int, heads: int, dropout: float, expansion: int, *, causal: bool, rotary: Rotary | None = None
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal=causal, rotary=rotary)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            Dropout(dropout),
            nn.Linear(expansion * width, width),
        )
        self.drop = Dropout(dropout)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        x = x + self.drop(self.attention(self.norm(x), batch))
        return x + self.drop(self.feed_forward(x))

    def extend(self, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `Attention.extend`."""
        attended, keys_values = self.attention.extend(self.norm(x), past)
        x = x + attended
        return x + self.feed_forward(x), keys_values


class Transformer(nn.Module):
    """Embedded events to states; state t predicts the event after t.

    positions : learned, absolute position embeddings; or rotary, relative ones (`nn/rotary.py`)
    """

    def __init__(
        self,
        width: int,
        blocks: int,
        heads: int,
        dropout: float,
        max_length: int,
        *,
        expansion: int = 4,
        causal: bool,
        positions: Positions = "learned",
    ) -> None:
        super().__init__()
        learned = positions == "learned"
        rotary = None if learned else Rotary(width, heads, max_length)
        self.positions = nn.Parameter(torch.randn(max_length, width) * 0.02) if learned else None
        self.drop = Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(width, heads, dropout, expansion, causal=causal, rotary=rotary) for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """x (T, width) the embedded events; returns (T, width)."""
        x = self.drop(x if self.positions is None else x + gather_rows(self.positions, batch.position))
        for block in self.blocks:
            x = block(x, batch)
        return self.norm(x)

    def extend(self, x: Tensor, time: Tensor | None, cache: SequenceCache) -> tuple[Tensor, tuple[Tensor, ...]]:
        """States (n, width) of the newest n events x (n, width) of one row, and keys and values of each block."""
        if self.positions is not None:
            x = x + self.positions[cache.length : cache.length + len(x)]
        kept = []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x, keys_values = block.extend(x, cache.parts[number] if cache.parts else None)
            kept.append(keys_values)
        return self.norm(x), tuple(kept)
