"""Next items by a bidirectional transformer trained on masked events (BERT4Rec; Sun et al., CIKM 2019).

In training, half of the rows have their last event masked, as queries do.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceModel
from foretaste.nn.transformer import Transformer


class Bert4RecConfig(SequenceConfig):
    """Settings of `bert4rec`."""

    blocks: PositiveInt = 2
    """Number of transformer blocks."""
    heads: PositiveInt = 1
    """Attention heads; `width` must be a multiple of them."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | Literal["auto"] = 0.3
    positions: Literal["learned", "rotary"] = "learned"
    """learned: absolute position embeddings. rotary: relative positions by rotation (RoFormer; Su et al. 2021)."""
    masked: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the events that are masked and predicted."""


class Bert4Rec(SequenceModel):
    """score(i) = state of a mask token appended to the history · e(i)."""

    name = "bert4rec"
    config_class = Bert4RecConfig
    grid = (Bert4RecConfig(),)

    @staticmethod
    def network(config: Bert4RecConfig) -> Transformer:
        c = config
        return Transformer(
            c.width, c.blocks, c.heads, c.dropout_rate, c.max_length, causal=False, positions=c.positions
        )

    def mask_share(self) -> float:
        share: float = self.config.masked
        return share
