"""A recurrent network over ragged rows (GRU4Rec; Hidasi et al., ICLR 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from foretaste.nn.dropout import Dropout

if TYPE_CHECKING:
    from foretaste.nn.ragged import Batch
    from foretaste.nn.sequence_cache import SequenceCache


class Gru(nn.Module):
    """GRU layers, then a linear map and layer norm: the state after each event.

    width : of events, states and hidden layers; layers : stacked GRUs; dropout : before and after them
    """

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.drop = Dropout(dropout)
        self.gru = nn.GRU(width, width, layers, batch_first=True)
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """x (T, width) the embedded events; returns (T, width). Padding follows the events, so it reaches no state."""
        states, _ = self.gru(batch.pad(self.drop(x)))
        return self.norm(self.out(self.drop(batch.unpad(states))))

    def extend(self, x: Tensor, time: Tensor | None, cache: SequenceCache) -> tuple[Tensor, tuple[Tensor, ...]]:
        """States (n, width) of the newest n events x (n, width) of one row, and the recurrent state after them."""
        states, last = self.gru(x, cache.parts[0] if cache.parts else None)
        return self.norm(self.out(states)), (last,)
