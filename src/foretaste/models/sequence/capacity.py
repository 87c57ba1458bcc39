"""How deep a network is and how much it forgets in learning, where its settings leave that to the data."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from foretaste.models.sequence.config import SequenceConfig

if TYPE_CHECKING:
    from foretaste.types import BoolArray, History

C = TypeVar("C", bound=SequenceConfig)
SPARSE, DENSE = 25.0, 45.0
"""Events per item of catalogues on which validation chose the one or the other (docs/log.md)."""
MOST_DROPOUT, LEAST_DROPOUT = 0.5, 0.2


def for_data(config: C, history: History, met: BoolArray) -> C:
    """The settings, with numbers where they say that the data decides: `dropout`, and `blocks` where there are any.

    met : (n_items,) whether the item is anywhere in the history
    """
    learned = np.minimum(history.lengths, config.max_length + 1).sum()
    per_item = float(learned / max(1, np.count_nonzero(met)))
    found: dict[str, Any] = {}
    if config.dropout == "auto":
        found["dropout"] = dropout_for(per_item)
    if getattr(config, "blocks", None) == "auto":
        found["blocks"] = 2 if per_item >= DENSE else 1
    return config.model_copy(update=found)


def dropout_for(events_per_item: float) -> float:
    """0.5 where an item has few events to be learned from, for its row would know its few people by heart; 0.2 where
    it has many, for then forgetting only costs. Between the two it falls with their logarithm."""
    share = log(min(DENSE, max(SPARSE, events_per_item)) / SPARSE) / log(DENSE / SPARSE)
    return round(MOST_DROPOUT + (LEAST_DROPOUT - MOST_DROPOUT) * share, 2)
