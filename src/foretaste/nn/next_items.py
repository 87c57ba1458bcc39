"""Items, and a network over what was done with them: everything that is learned, in one module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from foretaste.nn.ragged import TIME_BUCKETS, pick, time_bucket

if TYPE_CHECKING:
    from foretaste.nn.items import ItemEmbedding
    from foretaste.nn.ragged import Batch


class NextItems(nn.Module):
    """score(i) = state · e(i), the state being what the network makes of the events up to now.

    An event is its item, plus what kind of event it was, plus how long it came after the one before.

    network : x (T, width) embedded events and their batch to (T, width) states
    mask    : whether a hidden event stands for what comes next (bidirectional networks)
    n_kinds : of events; one alone says nothing
    timed   : whether the events have times
    """

    def __init__(
        self, items: ItemEmbedding, network: nn.Module, width: int, *, mask: bool, n_kinds: int, timed: bool
    ) -> None:
        super().__init__()
        self.items, self.network = items, network
        self.hidden = nn.Parameter(torch.zeros(1, width)) if mask else None
        self.kinds = nn.Parameter(torch.zeros(n_kinds, width)) if n_kinds > 1 else None
        self.gaps = nn.Parameter(torch.zeros(TIME_BUCKETS, width)) if timed else None

    def table(self) -> Tensor:
        """(n_items, width), and one row more where there is a mask."""
        items = self.items()
        return items if self.hidden is None else torch.cat([items, self.hidden])

    def states(self, table: Tensor, batch: Batch) -> Tensor:
        x = pick(table, batch.items)
        if self.kinds is not None:
            x = x + pick(self.kinds, batch.kind.clamp(max=len(self.kinds) - 1))
        if self.gaps is not None and (gaps := batch.gaps()) is not None:
            x = x + pick(self.gaps, time_bucket(gaps))
        states: Tensor = self.network(x, batch)
        return states
