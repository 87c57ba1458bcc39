"""How a text encoder is taught."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.features.text import TextEncoderConfig
from foretaste.training.config import TrainingConfig


class PretrainConfig(Config):
    """Continued pretraining on the catalogue's own texts: masked words are guessed (Gururangan et al., ACL 2020)."""

    masked: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of the tokens that are asked for."""
    rank: PositiveInt = 16
    """Of the adapters, which stand in every layer."""
    most_tokens: PositiveInt = 64
    """Longer texts are cut."""
    training: TrainingConfig = TrainingConfig(
        epochs=2, least_steps=0, batch_events=256, learning_rate=5e-4, warm_up_steps=20, averaging=0.0
    )
    """Batches are counted in texts."""


class ContrastConfig(Config):
    """What is told from what when histories teach what belongs together."""

    anchor: Literal["item", "history"] = "history"
    """What should lie near the next item: the item before it (and that one near it), or the faded history up to it."""
    half_life_events: PositiveFloat = 2.0
    """Of the faded history: after how many newer events an event speaks half as loudly."""
    temperature: PositiveFloat = 0.05
    """Cosines are divided by it: the smaller, the more the nearest of the other items count."""
    look_alikes: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the batches made of people alike: their items are harder to tell apart (hard negatives)."""
    max_length: PositiveInt = 50
    """Events of a history in a batch; of longer ones a window drawn anew each time."""
    batches: PositiveInt = 50
    """Of an epoch, after which validation is asked and a checkpoint written: texts are slow to read, so an epoch is no
    pass over all histories."""


class FineTuneConfig(ContrastConfig):
    encoder: TextEncoderConfig = TextEncoderConfig()
    """What is taught: a sentence-transformers model of BERT's shape, by name or folder."""
    pieces: tuple[str, ...] | None = None
    """What is read of each item, as in ItemFeaturesConfig."""
    pretrain: PretrainConfig | None = None
    """Read the catalogue's texts first, without anybody's clicks."""
    layers: PositiveInt = 1
    """So many of the topmost layers learn. What lies below them is computed once and kept."""
    rank: PositiveInt = 16
    """Of the adapters: each linear map of those layers learns a change of this rank."""
    most_tokens: PositiveInt = 48
    """Longer texts are cut while learning."""
    training: TrainingConfig = TrainingConfig(
        epochs=8, least_steps=0, patience=2, batch_events=448, learning_rate=2e-3, warm_up_steps=20, averaging=0.98
    )
