"""The settings every network over histories shares."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from foretaste.config import Config
from foretaste.features.text import TextEncoderConfig
from foretaste.training.config import AugmentConfig, TrainingConfig


class LossConfig(Config):
    kind: Literal["softmax", "sampled", "gbce", "bpr"] = "softmax"
    """softmax compares with every item of the catalogue, the others with `negatives`."""
    negatives: PositiveInt = 512
    """Shared by all events of a batch."""
    calibration: float = 0.75
    """t of gbce: 0 is plain cross-entropy, 1 undoes the sampling."""
    most_items: PositiveInt = 200_000
    """A catalogue larger than this takes the sampled softmax instead of the full one, whose cost grows with it."""


class SequenceConfig(Config):
    width: PositiveInt = 64
    max_length: PositiveInt = 50
    """Events read of a history, the newest."""
    windows: bool = False
    """Of longer histories, learn from a window drawn anew each epoch instead of the newest events."""
    texts: TextEncoderConfig | None = None
    """Add what the words of an item say, read by this frozen encoder, to its learned row. None: ids alone."""
    times: bool = True
    """Read how long each event came after the one before, where events have times."""
    words: bool = False
    """Add learned rows of the words of an item, as telling as they are rare. What is learned of a word holds for every
    item that says it, new ones too."""
    ids: bool = True
    """False learns from texts and words alone: an item nobody has met is then as good as any other."""
    item_layers: PositiveInt = 1
    """Of the item tower: 1 is a linear map of what the encoder says into the space of the items."""
    augment: AugmentConfig = AugmentConfig()
    ensemble: PositiveInt = 1
    """Networks learned with seeds that follow one another, whose scores are averaged. Costs as many times as much, in
    learning and in every answer."""
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
