"""Where a history points in a space of items: newer events louder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from foretaste.types import BoolArray, FloatArray, History, LongArray


def events_after(history: History, counts: BoolArray) -> LongArray:
    """(L,) how many newer events of the same row count; what was merely shown makes nothing older."""
    up_to = np.concatenate([[0], np.cumsum(counts)])
    return np.repeat(up_to[history.offsets[1:]], history.lengths) - up_to[1:]


def faded(history: History, n_items: int, kind_weight: FloatArray, half_life_events: float) -> csr_array:
    """(B, n_items) float32: what each event weighs, half as much after every `half_life_events` newer ones."""
    said = kind_weight[history.kind]
    weight = said * np.exp2(-events_after(history, said != 0) / half_life_events)
    return csr_array((weight.astype(np.float32), history.items, history.offsets), shape=(len(history), n_items))
