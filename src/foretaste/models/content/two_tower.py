"""Two-tower retrieval: a user tower reads history, searches and user columns; an item tower reads the item's content.

DSSM (Huang et al., CIKM 2013); Yi et al., RecSys 2019. There are no id embeddings, so cold items are scored like all
others and can be added without training.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from foretaste.features.text import TextEncoderConfig
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceModel
from foretaste.nn.transformer import Transformer


class TwoTowerConfig(SequenceConfig):
    """Settings of `two_tower`: those of the sequence models with other defaults, and the user tower's size."""

    width: PositiveInt = 128
    texts: TextEncoderConfig | None = TextEncoderConfig()
    words: bool = True
    ids: Annotated[bool, Field(description="Never: the towers read content only.")] = False
    columns: bool = True
    searches: NonNegativeInt = 3
    blocks: PositiveInt = 1
    heads: PositiveInt = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] | Literal["auto"] = 0.2


class TwoTower(SequenceModel):
    """score(i) = user tower(history, latest searches, user columns) · item tower(content of i)."""

    name = "two_tower"
    config_class = TwoTowerConfig
    grid = (TwoTowerConfig(),)

    @staticmethod
    def network(config: TwoTowerConfig) -> Transformer:
        c = config
        return Transformer(c.width, c.blocks, c.heads, c.dropout_rate, c.max_length, causal=True)
