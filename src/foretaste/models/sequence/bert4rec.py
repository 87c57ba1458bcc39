"""Next items by filling gaps from both sides (BERT4Rec; Sun et al., CIKM 2019), half of them at the end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceModel
from foretaste.nn.transformer import Transformer


class Bert4RecConfig(SequenceConfig):
    blocks: PositiveInt = 2
    heads: PositiveInt = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] | Literal["auto"] = 0.3
    positions: Literal["learned", "rotary"] = "learned"
    """learned: a row for each place. rotary: attention knows how far apart two events stand (RoFormer)."""
    masked: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the events hidden and asked for."""


class Bert4Rec(SequenceModel):
    """score(i) = state of a hidden event behind the history · e(i)."""

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
