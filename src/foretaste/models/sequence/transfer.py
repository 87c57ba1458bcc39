"""What a network learned from one data set and can bring to another: all but what is of single items, kinds, people.

Texts are the language both data sets speak: the same frozen encoder reads them, so the learned map from what it says to
what people want holds for items nobody had met (Hou et al., KDD 2022: UniSRec).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.models.sequence.trained import Trained

OF_ONE_CATALOGUE = ("items.ids", "items.content", "items.word", "items.beside", "kinds", "person")


def carried(source: Trained, config: SequenceConfig) -> dict[str, Tensor]:
    """The weights of `source` that a network of these settings may begin with.

    Raises ConfigError where the two do not read texts alike, or are of different size: then nothing would be carried.
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
    return {name: weight for name, weight in weights.items() if not name.startswith(OF_ONE_CATALOGUE)}
