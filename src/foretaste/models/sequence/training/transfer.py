"""Transfer of a network to another data set: all weights that belong to no single item, event kind or user column.

Both data sets share the frozen text encoder, so the learned map from text vectors to item vectors holds for unseen
items as well (UniSRec; Hou et al., KDD 2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.models.sequence.trained_network import TrainedNetwork

NOT_TRANSFERABLE = ("items.ids", "items.content", "items.word", "items.beside", "kinds", "person")
"""Prefixes of the names of weights that belong to one data set."""


def transferable_weights(source: TrainedNetwork, config: SequenceConfig) -> dict[str, Tensor]:
    """By name, the weights of `source` that a network of these settings can be initialised with.

    raises : ConfigError where the two do not read texts with the same encoder, or differ in size
    """
    if source.config.texts is None or source.config.texts != config.texts:
        raise ConfigError(
            "A network can begin with another's weights only where both read texts with the same encoder: set `texts` "
            f"of both to the same (here {source.config.texts!r} and {config.texts!r})."
        )
    for name in ("width", "item_layers"):
        if (theirs := getattr(source.config, name)) != (own := getattr(config, name)):
            raise ConfigError(
                f"To begin with another network's weights, `{name}` must be its own: {theirs}, not {own}."
            )
    weights = source.modules[0].state_dict()
    return {name: weight for name, weight in weights.items() if not name.startswith(NOT_TRANSFERABLE)}
