"""Next items by causal self-attention over the history (SASRec; Kang & McAuley, ICDM 2018), with today's recipe.

Pre-norm blocks, softmax over the whole catalogue instead of one negative (Klenitskiy & Vasilev, RecSys 2023), and,
where texts are read, what the words of an item say beside its learned row.
"""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceModel
from foretaste.nn.transformer import Transformer


class SasRecConfig(SequenceConfig):
    blocks: PositiveInt | Literal["auto"] = "auto"
    """auto: 2 where an item has 45 events to be learned from or more, else 1 (docs/log.md)."""
    heads: PositiveInt = 1
    positions: Literal["learned", "rotary"] = "learned"
    """learned: a row for each place. rotary: attention knows how far apart two events stand (RoFormer)."""


class SasRec(SequenceModel):
    """score(i) = state of the newest event · e(i)."""

    name = "sasrec"
    config_class = SasRecConfig
    grid = (SasRecConfig(),)

    @staticmethod
    def network(config: SasRecConfig) -> Transformer:
        c = config
        assert c.blocks != "auto", "by now the data has decided: capacity.for_data"
        return Transformer(c.width, c.blocks, c.heads, c.dropout_rate, c.max_length, causal=True, positions=c.positions)
