"""Searches read as events: somebody who searched for a thing wanted an item that says these very words."""

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
class Searched:
    """The searches of a batch of people; no item stands for them, only what the item tower makes of their words.

    lengths : (B,) searches of each person
    vectors : (S, C) float32 what the encoder says of all of them, person by person, the oldest first
    """

    lengths: LongArray
    vectors: FloatArray

    @classmethod
    def read(cls, searches: Sequence[Sequence[str]], encoder: TextEncoder) -> Self:
        """searches : B people; their words are kept in memory for a while, and never on disk"""
        vectors = np.stack([encoder.encode_query(text) for some in searches for text in some])
        return cls(np.array([len(some) for some in searches], np.int64), vectors)

    def after(self, history: History, room: int, first_code: int, asked_at: LongArray | None) -> History:
        """The histories with the searches behind them, as the newest of at most `room` events each.

        first_code : of the first search; the others follow
        asked_at   : (B,) µs, taken for the time of the searches, which is lately; None: that of the newest event
        """
        mine = np.minimum(self.lengths, room)
        kept = np.minimum(history.lengths, room - mine)
        offsets = np.concatenate([[0], np.cumsum(kept + mine)]).astype(np.int64)
        n = int(offsets[-1])
        place = np.arange(n) - np.repeat(offsets[:-1], kept + mine)
        row = np.repeat(np.arange(len(history)), kept + mine)
        old = place < kept[row]
        from_event = np.where(old, history.offsets[1:][row] - kept[row] + place, 0)
        search_ends = np.cumsum(self.lengths)
        from_search = search_ends[row] - mine[row] + place - kept[row]
        time = None
        if history.time is not None and (asked_at is not None or (history.lengths > 0).all()):
            newest = np.zeros(len(history), np.int64)
            some = history.lengths > 0
            newest[some] = history.time[history.offsets[1:][some] - 1]
            then = newest if asked_at is None else np.maximum(newest, asked_at)
            time = np.where(old, _at(history.time, from_event), then[row])
        return History(
            np.where(old, _at(history.items, from_event), first_code + from_search).astype(np.int32),
            offsets,
            time,
            np.where(old, _at(history.kind, from_event), 0).astype(np.uint8),
            np.where(old, _at(history.value, from_event), 1).astype(np.float32),
        )

    def behind(self, table: Tensor, rows: LongArray, module: NextItemNetwork) -> Tensor:
        """(R + S, width) these rows of a network's table, and behind them what its item tower makes of the searches."""
        with torch.inference_mode():
            known = gather_rows(table, torch.from_numpy(rows.astype(np.int64)).to(table.device))
            words = torch.from_numpy(self.vectors).to(table.device)
            return torch.cat([known, module.items.from_content(words).to(table.dtype)])


def _at(values: np.ndarray, events: np.ndarray) -> np.ndarray:
    """values[events], where there may be no values at all, and then no event is read either."""
    return values[events] if len(values) else np.zeros(len(events), values.dtype)
