"""Next items by a recurrent network (GRU4Rec; Hidasi et al., ICLR 2016)."""

from __future__ import annotations

from pydantic import PositiveInt

from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceModel
from foretaste.nn.gru import Gru


class Gru4RecConfig(SequenceConfig):
    """Settings of `gru4rec`."""

    layers: PositiveInt = 1
    """Stacked GRU layers."""


class Gru4Rec(SequenceModel):
    """score(i) = hidden state after the newest event · e(i)."""

    name = "gru4rec"
    config_class = Gru4RecConfig
    grid = (Gru4RecConfig(),)

    @staticmethod
    def network(config: Gru4RecConfig) -> Gru:
        return Gru(config.width, config.layers, config.dropout_rate)
