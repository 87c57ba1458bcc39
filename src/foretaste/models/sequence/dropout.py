"""How much a network is made to forget in learning, where its settings leave that to the data."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from foretaste.models.sequence.config import SequenceConfig

if TYPE_CHECKING:
    from foretaste.types import BoolArray, History

C = TypeVar("C", bound=SequenceConfig)
SPARSE, DENSE = (25.0, 0.5), (60.0, 0.2)
"""Events per item, and the dropout that validation chose where there are so many (docs/log.md)."""


def with_dropout(config: C, history: History, met: BoolArray) -> C:
    """The settings, with a number where they say that the data decides.

    met : (n_items,) whether the item is anywhere in the history
    """
    if config.dropout != "auto":
        return config
    learned = np.minimum(history.lengths, config.max_length + 1).sum()
    return config.model_copy(update={"dropout": dropout_for(learned / max(1, np.count_nonzero(met)))})


def dropout_for(events_per_item: float) -> float:
    """0.5 where an item has few events to be learned from, for its row would know its few people by heart; 0.2 where
    it has many, for then forgetting only costs. Between the two it falls with their logarithm."""
    (few, most), (many, least) = SPARSE, DENSE
    share = log(min(many, max(few, events_per_item)) / few) / log(many / few)
    return round(most + (least - most) * share, 2)
