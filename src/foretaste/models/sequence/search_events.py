"""Searches read as events: a search is the newest event, about an item whose text is the query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from foretaste.nn.ragged import gather_rows
from foretaste.types import History

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from foretaste.features.text import TextEncoder
    from foretaste.nn.next_item_network import NextItemNetwork
    from foretaste.types import FloatArray, LongArray


@dataclass(frozen=True, eq=False)
class SearchEvents:
    """The searches of B users. No item of the catalogue stands for them; the item tower embeds their text vectors.

    lengths : (B,) int64 searches of each user
    vectors : (S, C) float32 text vectors of all searches, user by user, oldest first
    """

    lengths: LongArray
    vectors: FloatArray

    @classmethod
    def read(cls, searches: Sequence[Sequence[str]], encoder: TextEncoder) -> Self:
        """Encode the searches of B users. The encoder caches them in memory for a while, and never on disk."""
        vectors = np.stack([encoder.encode_query(text) for some in searches for text in some])
        return cls(np.array([len(some) for some in searches], np.int64), vectors)

    def append_to(self, history: History, max_events: int, first_code: int, asked_at: LongArray | None) -> History:
        """The histories with the searches appended as the newest events; at most `max_events` events each.

        first_code : the item code of the first search; the others follow
        asked_at   : (B,) int64 µs, used as the time of the searches; None uses the time of the newest event
        """
        n_searches = np.minimum(self.lengths, max_events)
        n_events = np.minimum(history.lengths, max_events - n_searches)
        offsets = np.concatenate([[0], np.cumsum(n_events + n_searches)]).astype(np.int64)
        n = int(offsets[-1])
        position = np.arange(n) - np.repeat(offsets[:-1], n_events + n_searches)
        row = np.repeat(np.arange(len(history)), n_events + n_searches)
        is_event = position < n_events[row]
        from_event = np.where(is_event, history.offsets[1:][row] - n_events[row] + position, 0)
        search_ends = np.cumsum(self.lengths)
        from_search = search_ends[row] - n_searches[row] + position - n_events[row]
        time = None
        if history.time is not None and (asked_at is not None or (history.lengths > 0).all()):
            newest = np.zeros(len(history), np.int64)
            has_events = history.lengths > 0
            newest[has_events] = history.time[history.offsets[1:][has_events] - 1]
            search_time = newest if asked_at is None else np.maximum(newest, asked_at)
            time = np.where(is_event, _at(history.time, from_event), search_time[row])
        return History(
            np.where(is_event, _at(history.items, from_event), first_code + from_search).astype(np.int32),
            offsets,
            time,
            np.where(is_event, _at(history.kind, from_event), 0).astype(np.uint8),
            np.where(is_event, _at(history.value, from_event), 1).astype(np.float32),
        )

    def extend_table(self, table: Tensor, rows: LongArray, module: NextItemNetwork) -> Tensor:
        """(R + S, width): R rows of a network's item table, followed by the item tower's embeddings of the searches."""
        with torch.inference_mode():
            items = gather_rows(table, torch.from_numpy(rows.astype(np.int64)).to(table.device))
            texts = torch.from_numpy(self.vectors).to(table.device)
            return torch.cat([items, module.items.from_content(texts).to(table.dtype)])


def _at(values: np.ndarray, events: np.ndarray) -> np.ndarray:
    """values[events]; zeros where there are no values at all, in which case no event is used either."""
    return values[events] if len(values) else np.zeros(len(events), values.dtype)
