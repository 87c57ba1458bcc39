"""Items, and a network over what was done with them: everything that is learned, in one module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from foretaste.nn.ragged import TIME_BUCKETS, gather_rows, nearest_trained, time_bucket
from foretaste.nn.sequence_cache import SequenceCache

if TYPE_CHECKING:
    from foretaste.nn.item_embedding import ItemEmbedding
    from foretaste.nn.ragged import Batch


TIMES = ("gaps", "waits", "by_time")
"""Names of learned rows that belong to buckets of time, here and in networks."""


class Extend(Protocol):
    """`extend` of a causal network: x (n, width) and times (n,) of the newest events of one row, and what it keeps."""

    def __call__(self, x: Tensor, time: Tensor | None, cache: SequenceCache) -> tuple[Tensor, tuple[Tensor, ...]]: ...


class NextItemNetwork(nn.Module):
    """score(i) = state · e(i), the state being what the network makes of the events up to now, plus P x of the person.

    An event is its item, plus what kind of event it was, plus how long it came after the one before.

    network : x (T, width) embedded events and their batch to (T, width) states
    mask    : whether a hidden event stands for what comes next (bidirectional networks)
    n_kinds : of events; one alone says nothing
    timed   : whether the events have times
    user_width : length of the vectors x of user attributes; 0 for none
    mask_row   : whether a row stands for items that are masked in learning (causal networks; others have that of `mask`)
    """

    def __init__(
        self,
        items: ItemEmbedding,
        network: nn.Module,
        width: int,
        *,
        mask: bool,
        n_kinds: int,
        timed: bool,
        user_width: int = 0,
        mask_row: bool = False,
    ) -> None:
        super().__init__()
        self.items, self.network = items, network
        self.hidden = nn.Parameter(torch.zeros(1, width)) if mask else None
        self.masked = nn.Parameter(torch.zeros(1, width)) if mask_row and not mask else None
        self.kinds = nn.Parameter(torch.zeros(n_kinds, width)) if n_kinds > 1 else None
        self.gaps = nn.Parameter(torch.zeros(TIME_BUCKETS, width)) if timed else None
        self.person = nn.Parameter(torch.zeros(user_width, width)) if user_width else None

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @torch.no_grad()
    def fill_untrained_time_buckets(self) -> None:
        """Times that nobody was seen to wait are read as the nearest that somebody did: who comes back after a year
        reads as the longest anybody stayed away."""
        for name, rows in self.named_parameters():
            if name.endswith(TIMES):
                rows.copy_(nearest_trained(rows))

    def table(self) -> Tensor:
        """(n_items, width), and one row more where there is a mask."""
        items, mask = self.items(), self.masked if self.hidden is None else self.hidden
        return items if mask is None else torch.cat([items, mask])

    def states(self, table: Tensor, batch: Batch) -> Tensor:
        """(T, width) after each event of the batch."""
        gaps = batch.gaps() if self.gaps is not None else None
        states: Tensor = self.network(self._events(table, batch.items, batch.kind, gaps), batch)
        if self.person is None or batch.user_features is None:
            return states
        return states + gather_rows(batch.user_features @ self.person, batch.row)

    def extend(
        self, table: Tensor, items: Tensor, kind: Tensor, time: Tensor | None, cache: SequenceCache
    ) -> tuple[Tensor, SequenceCache]:
        """(n, width) after each of the newest n events of one row, and what to remember of the row.

        The same as the last n of `states` of the whole row; only causal networks can do it.

        items, kind : (n,) int64
        time        : (n,) float64 seconds, or None; with times for all events of the row, or for none
        memory      : of the events before; SequenceCache() where there are none
        """
        gaps = None
        if time is not None and self.gaps is not None:
            before = time[:1] if cache.time is None else cache.time[-1:]
            gaps = time - torch.cat([before, time[:-1]])
        extend: Extend = self.network.extend  # type: ignore[assignment]  # torch knows no methods of modules
        states, parts = extend(self._events(table, items, kind, gaps), time, cache)
        known = time if cache.time is None or time is None else torch.cat([cache.time, time])
        return states, SequenceCache(cache.length + len(items), known, parts)

    def _events(self, table: Tensor, items: Tensor, kind: Tensor, gaps: Tensor | None) -> Tensor:
        x = gather_rows(table, items)
        if self.kinds is not None:
            x = x + gather_rows(self.kinds, kind.clamp(max=len(self.kinds) - 1))
        if self.gaps is not None and gaps is not None:
            x = x + gather_rows(self.gaps, time_bucket(gaps))
        return x
