"""What people did long ago says less of what they want next: histories that fade when a model is asked.

Learning is left as it is: what goes with what does not depend on when somebody asks.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import PositiveFloat

from foretaste.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.types import FloatArray

HALF_LIVES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Tried, beside none, when settings are chosen."""


class FadingConfig(Config):
    half_life_events: PositiveFloat | None = None
    """After so many other items what a person did speaks half as loudly; None, as in the paper: all of it alike."""


def loudness(n: int, half_life_events: float | None) -> FloatArray:
    """(n,) how loudly each of n different items speaks, that were taken in this order."""
    if half_life_events is None:
        return np.ones(n, np.float32)
    return np.exp2(-np.arange(n)[::-1] / half_life_events).astype(np.float32)


def asked_otherwise(model: Any) -> Iterator[Any]:
    """The fitted model as it would answer with each half-life; none where histories do not fade, or already do."""
    config = getattr(model, "config", None)
    if isinstance(config, FadingConfig) and config.half_life_events is None:
        for events in HALF_LIVES:
            other = copy(model)
            other.config = config.model_copy(update={"half_life_events": events})
            yield other
