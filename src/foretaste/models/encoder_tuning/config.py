"""Settings of continued pretraining and of contrastive fine-tuning of a text encoder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.features.text import TextEncoderConfig
from foretaste.training.config import TrainingConfig


class PretrainConfig(Config):
    """Continued pretraining on the catalogue's own texts by masked language modelling (Gururangan et al., ACL 2020)."""

    masked: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of the tokens that are predicted."""
    rank: PositiveInt = 16
    """Rank of the LoRA adapters, which are added to every layer."""
    most_tokens: PositiveInt = 64
    """Maximum tokens per text; longer texts are truncated."""
    training: TrainingConfig = TrainingConfig(
        epochs=2, least_steps=0, batch_events=256, learning_rate=5e-4, warm_up_steps=20, averaging=0.0
    )
    """`batch_events` counts texts here."""


class ContrastiveConfig(Config):
    """Anchors, negatives and batches of contrastive learning from histories."""

    anchor: Literal["item", "history"] = "history"
    """What is pulled towards the next item. item: the item before it, and vice versa. history: the recency-weighted sum
    of the history up to it."""
    half_life_events: PositiveFloat = 2.0
    """Recency weighting of the history: an event counts half as much after this many newer events."""
    temperature: PositiveFloat = 0.05
    """Cosines are divided by it: the smaller, the more the hardest negatives count."""
    look_alikes: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the batches that are made of similar users, whose items are hard negatives for one another."""
    max_length: PositiveInt = 50
    """Maximum events of one history in a batch; of a longer history a random window is drawn each time."""
    batches: PositiveInt = 50
    """Batches per epoch, after which validation runs and a checkpoint is written. An epoch is no pass over all
    histories, because encoding texts is slow."""


class FineTuneConfig(ContrastiveConfig):
    """Settings of contrastive fine-tuning of a text encoder."""

    encoder: TextEncoderConfig = TextEncoderConfig()
    """The encoder that is fine-tuned: a sentence-transformers model of the BERT architecture, by name or folder."""
    pieces: tuple[str, ...] | None = None
    """Which columns and templates make an item's text, as in ItemFeaturesConfig."""
    pretrain: PretrainConfig | None = None
    """Continued pretraining on the catalogue's texts first, which needs no events."""
    layers: PositiveInt = 1
    """How many of the top layers are fine-tuned. The output of the frozen layers below is computed once and cached."""
    rank: PositiveInt = 16
    """Rank of the LoRA adapters, one for each linear map of those layers."""
    most_tokens: PositiveInt = 48
    """Maximum tokens per text in training; longer texts are truncated."""
    training: TrainingConfig = TrainingConfig(
        epochs=8, least_steps=0, patience=2, batch_events=448, learning_rate=2e-3, warm_up_steps=20, averaging=0.98
    )
