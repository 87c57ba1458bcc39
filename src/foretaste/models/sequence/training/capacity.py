"""Dropout and depth of a network chosen from the density of the data, where its settings say "auto"."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from foretaste.models.sequence.config import SequenceConfig

if TYPE_CHECKING:
    from foretaste.types import BoolArray, History

C = TypeVar("C", bound=SequenceConfig)
SPARSE, DENSE = 25.0, 45.0
"""Events per item of the data sets on which validation chose the one or the other (docs/log.md)."""
MAX_DROPOUT, MIN_DROPOUT = 0.5, 0.2


def resolve_auto_settings(config: C, history: History, seen_items: BoolArray) -> C:
    """The settings with numbers in place of "auto": `dropout`, and `blocks` where there is such a setting.

    seen_items : (n_items,) whether the item occurs in the history
    """
    events = np.minimum(history.lengths, config.max_length + 1).sum()
    per_item = float(events / max(1, np.count_nonzero(seen_items)))
    resolved: dict[str, Any] = {}
    if config.dropout == "auto":
        resolved["dropout"] = dropout_for(per_item)
    if getattr(config, "blocks", None) == "auto":
        resolved["blocks"] = 2 if per_item >= DENSE else 1
    return config.model_copy(update=resolved)


def dropout_for(events_per_item: float) -> float:
    """0.5 up to SPARSE events per item, where an item's embedding would overfit to its few users; 0.2 from DENSE on;
    between the two it falls linearly with the logarithm."""
    share = log(min(DENSE, max(SPARSE, events_per_item)) / SPARSE) / log(DENSE / SPARSE)
    return round(MAX_DROPOUT + (MIN_DROPOUT - MAX_DROPOUT) * share, 2)
