"""Recency weighting: newer events of a history count more, by an exponential half-life in events.

Used at prediction time only. What a model learns about items does not depend on when a query is made, so a fitted model
can be tried with several half-lives without fitting it again (`half_life_variants`).
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import PositiveFloat
from scipy.sparse import csr_array

from foretaste.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.types import BoolArray, FloatArray, History, LongArray

DAY_MICROSECONDS = 86_400e6
HALF_LIVES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Half-lives in events that are tried, besides no decay, when settings are chosen on validation."""


class RecencyConfig(Config):
    """Base of the settings of models with recency weighting."""

    half_life_events: PositiveFloat | None = None
    """An event counts half as much after this many newer events; None, as in the papers, weights all events equally."""


def recency_weights(n: int, half_life_events: float | None) -> FloatArray:
    """(n,) float32: 2^(−a / half-life) for n distinct items, oldest first, where a is the number of newer items."""
    if half_life_events is None:
        return np.ones(n, np.float32)
    return np.exp2(-np.arange(n)[::-1] / half_life_events).astype(np.float32)


def half_life_variants(model: Any) -> Iterator[Any]:
    """Copies of a fitted model, one per half-life in `HALF_LIVES`, which share its learned arrays.

    Yields nothing for a model whose config is no `RecencyConfig`, or whose half-life is already set.
    """
    config = getattr(model, "config", None)
    if isinstance(config, RecencyConfig) and config.half_life_events is None:
        for events in HALF_LIVES:
            variant = copy(model)
            variant.config = config.model_copy(update={"half_life_events": events})
            yield variant


def count_newer_events(history: History, counted: BoolArray) -> LongArray:
    """(L,) for each event the number of newer counted events in the same row.

    counted : (L,) which events count; an impression, whose kind has weight 0, ages no other event
    """
    up_to = np.concatenate([[0], np.cumsum(counted)])
    return np.repeat(up_to[history.offsets[1:]], history.lengths) - up_to[1:]


def recency_weighted_matrix(
    history: History, n_items: int, kind_weight: FloatArray, half_life_events: float
) -> csr_array:
    """(B, n_items) CSR float32: the weight of each event's kind times 2^(−newer events / half-life)."""
    weight = kind_weight[history.kind]
    decayed = weight * np.exp2(-count_newer_events(history, weight != 0) / half_life_events)
    return csr_array((decayed.astype(np.float32), history.items, history.offsets), shape=(len(history), n_items))
