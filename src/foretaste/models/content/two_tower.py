"""People and items in one space: a tower reads the history, and what is known of the person beside it; a tower
reads what an item says of itself.

Huang et al., CIKM 2013 (DSSM); Yi et al., RecSys 2019. No item has a learned row, so one nobody has met yet is as good
as any other, and costs nothing to add.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from foretaste.features.text import TextEncoderConfig
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceModel
from foretaste.nn.transformer import Transformer


class TwoTowerConfig(SequenceConfig):
    width: PositiveInt = 128
    texts: TextEncoderConfig | None = TextEncoderConfig()
    words: bool = True
    ids: Annotated[bool, Field(description="Never: that is the point of it.")] = False
    columns: bool = True
    searches: NonNegativeInt = 3
    blocks: PositiveInt = 1
    heads: PositiveInt = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] | Literal["auto"] = 0.2


class TwoTower(SequenceModel):
    """score(i) = user tower(history, latest searches, columns of the person) · item tower(content of i)."""

    name = "two_tower"
    config_class = TwoTowerConfig
    grid = (TwoTowerConfig(),)

    @staticmethod
    def network(config: TwoTowerConfig) -> Transformer:
        c = config
        return Transformer(c.width, c.blocks, c.heads, c.dropout_rate, c.max_length, causal=True)
