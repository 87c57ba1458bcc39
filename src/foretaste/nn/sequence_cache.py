"""What a causal network keeps of a row of events, so that one event more costs one event and not the whole row."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class SequenceCache(NamedTuple):
    """length : events read
    time   : (length,) float64 seconds of each, or None
    parts  : the network's own: keys and values of each block (2, heads, length, D), or a recurrent state
    """

    length: int = 0
    time: Tensor | None = None
    parts: tuple[Tensor, ...] = ()
