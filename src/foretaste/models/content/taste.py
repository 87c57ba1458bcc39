"""Where a history points in a space of items: newer events louder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from foretaste.types import FloatArray, History


def faded(history: History, n_items: int, kind_weight: FloatArray, half_life_events: float) -> csr_array:
    """(B, n_items) float32: what each event weighs, half as much after every `half_life_events` newer ones."""
    events_after = np.repeat(history.offsets[1:], history.lengths) - 1 - np.arange(len(history.items))
    weight = kind_weight[history.kind] * np.exp2(-events_after / half_life_events)
    return csr_array((weight.astype(np.float32), history.items, history.offsets), shape=(len(history), n_items))
