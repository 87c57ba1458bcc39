"""Cache of a causal network's intermediate values, so that a new event costs one step and not the whole row."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class SequenceCache(NamedTuple):
    """A KV cache or recurrent state of one row.

    length : events read
    time   : (length,) float64 seconds of each, or None
    parts  : of the network: keys and values of each block (2, heads, length, D), or a recurrent state
    """

    length: int = 0
    time: Tensor | None = None
    parts: tuple[Tensor, ...] = ()
