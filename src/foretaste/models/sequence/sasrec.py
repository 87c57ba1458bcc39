"""Next items by causal self-attention over the history (SASRec; Kang & McAuley, ICDM 2018), with a current recipe.

Pre-norm blocks, softmax over all items instead of one negative (Klenitskiy & Vasilev, RecSys 2023), and optionally text
vectors added to the item embeddings.
"""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceModel
from foretaste.nn.transformer import Transformer


class SasRecConfig(SequenceConfig):
    """Settings of `sasrec`."""

    blocks: PositiveInt | Literal["auto"] = "auto"
    """Transformer blocks. auto: 2 from 45 events per item on, else 1 (docs/log.md)."""
    heads: PositiveInt = 1
    """Attention heads; `width` must be a multiple of them."""
    positions: Literal["learned", "rotary"] = "learned"
    """learned: absolute position embeddings. rotary: relative positions by rotation (RoFormer; Su et al. 2021)."""


class SasRec(SequenceModel):
    """score(i) = state of the newest event · e(i)."""

    name = "sasrec"
    config_class = SasRecConfig
    grid = (SasRecConfig(),)

    @staticmethod
    def network(config: SasRecConfig) -> Transformer:
        c = config
        assert c.blocks != "auto", "resolved before: capacity.resolve_auto_settings"
        return Transformer(c.width, c.blocks, c.heads, c.dropout_rate, c.max_length, causal=True, positions=c.positions)
