"""A recurrent network over ragged rows (GRU4Rec; Hidasi et al., ICLR 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from foretaste.nn.dropout import Dropout

if TYPE_CHECKING:
    from foretaste.nn.ragged import Batch
    from foretaste.nn.sequence_cache import SequenceCache


class Gru(nn.Module):
    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.drop = Dropout(dropout)
        self.gru = nn.GRU(width, width, layers, batch_first=True)
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """x (T, width) the embedded events; returns (T, width). Padding comes last, so no state has seen any."""
        states, _ = self.gru(batch.pad(self.drop(x)))
        return self.norm(self.out(self.drop(batch.unpad(states))))

    def extend(self, x: Tensor, time: Tensor | None, cache: SequenceCache) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (n, width) the newest events of one row; their states (n, width), and the recurrent state after them."""
        states, last = self.gru(x, cache.parts[0] if cache.parts else None)
        return self.norm(self.out(states)), (last,)
