"""Item embeddings plus a sequence network: all learned weights of a next-item model in one module."""

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
"""Names of parameters with one row per time bucket, here and in networks."""


class Extend(Protocol):
    """`extend` of a causal network: states (n, width) of the newest events x (n, width) of one row, and its cache."""

    def __call__(self, x: Tensor, time: Tensor | None, cache: SequenceCache) -> tuple[Tensor, tuple[Tensor, ...]]: ...


class NextItemNetwork(nn.Module):
    """score(i) = h · e(i): h is the network's state after the newest event, plus P x of the user's attributes x.

    An event is embedded as the sum of its item, its kind and the time bucket since the event before.

    network : x (T, width) embedded events and their batch to (T, width) states
    mask    : whether a mask embedding stands for the next event (bidirectional networks)
    n_kinds : event kinds; with one kind there is no kind embedding
    timed   : whether events have times
    user_width : length of the vectors x of user attributes; 0 for none
    mask_row   : whether there is an embedding for items masked by augmentation (causal networks)
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
        """Copy the nearest trained time bucket into buckets without training data.

        A return after a year, seen in no training row, is then treated like the longest observed gap.
        """
        for name, rows in self.named_parameters():
            if name.endswith(TIMES):
                rows.copy_(nearest_trained(rows))

    def table(self) -> Tensor:
        """(n_items, width) item embeddings, plus one row where there is a mask embedding."""
        items, mask = self.items(), self.masked if self.hidden is None else self.hidden
        return items if mask is None else torch.cat([items, mask])

    def states(self, table: Tensor, batch: Batch) -> Tensor:
        """(T, width) states after each event of the batch; `table` as of `table()`."""
        gaps = batch.gaps() if self.gaps is not None else None
        states: Tensor = self.network(self._events(table, batch.items, batch.kind, gaps), batch)
        if self.person is None or batch.user_features is None:
            return states
        return states + gather_rows(batch.user_features @ self.person, batch.row)

    def extend(
        self, table: Tensor, items: Tensor, kind: Tensor, time: Tensor | None, cache: SequenceCache
    ) -> tuple[Tensor, SequenceCache]:
        """States (n, width) after each of the newest n events of one row, and the row's new cache.

        Equal to the last n of `states` of the whole row; causal networks only.

        items, kind : (n,) int64
        time        : (n,) float64 seconds, or None; for all events of a row or for none
        cache       : of the events before; SequenceCache() where there are none
        """
        gaps = None
        if time is not None and self.gaps is not None:
            before = time[:1] if cache.time is None else cache.time[-1:]
            gaps = time - torch.cat([before, time[:-1]])
        extend: Extend = self.network.extend  # type: ignore[assignment]  # torch types module attributes as Tensor
        states, parts = extend(self._events(table, items, kind, gaps), time, cache)
        times = time if cache.time is None or time is None else torch.cat([cache.time, time])
        return states, SequenceCache(cache.length + len(items), times, parts)

    def _events(self, table: Tensor, items: Tensor, kind: Tensor, gaps: Tensor | None) -> Tensor:
        x = gather_rows(table, items)
        if self.kinds is not None:
            x = x + gather_rows(self.kinds, kind.clamp(max=len(self.kinds) - 1))
        if self.gaps is not None and gaps is not None:
            x = x + gather_rows(self.gaps, time_bucket(gaps))
        return x
