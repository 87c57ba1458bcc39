"""Next items by pointwise attention with position and time bias (HSTU; Zhai et al., ICML 2024)."""

from __future__ import annotations

from pydantic import PositiveInt

from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceModel
from foretaste.nn.hstu import Hstu as Network


class HstuConfig(SequenceConfig):
    """Settings of `hstu`."""

    blocks: PositiveInt = 2
    """Number of HSTU blocks."""
    heads: PositiveInt = 1
    """Attention heads; `width` must be a multiple of them."""


class Hstu(SequenceModel):
    """score(i) = state of the newest event · e(i).

    Where events have times, attention reads the time between events, and for the newest event the time until the query
    (`Queries.asked_at`; 0 without it).
    """

    name = "hstu"
    config_class = HstuConfig
    grid = (HstuConfig(),)

    @staticmethod
    def network(config: HstuConfig) -> Network:
        return Network(
            config.width, config.blocks, config.heads, config.dropout_rate, config.max_length, timed=config.times
        )
