"""The settings every network over histories shares."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from foretaste.config import Config
from foretaste.features.columns import ColumnsConfig
from foretaste.features.images import ImageEncoderConfig
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
    max_length: PositiveInt = 200
    """Events read of a history, the newest. Short histories cost nothing more: rows are not padded to it."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | Literal["auto"] = "auto"
    """Share of the numbers between layers set to 0 in learning. auto: 0.5 where an item has 25 events to be learned
    from, 0.2 where it has 45, as validation chose on sparse and on dense data (docs/log.md)."""
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
    pictures: ImageEncoderConfig | None = None
    """Add what the picture of an item shows, seen by this frozen encoder; items may lack one."""
    item_columns: ColumnsConfig | None = None
    """Add what the columns of an item say (categories, labels, numbers, dates), read like this."""
    vectors: str | None = None
    """Add external vectors (sound, video): a file as `features/external_vectors.py` reads it; items may lack one."""
    fusion: Literal["sum", "concat", "gated", "attention"] = "sum"
    """How row, texts, words, pictures, columns and vectors of an item become one vector; what it lacks is left out.
    sum: added. concat: side by side through a layer, beside the sum. gated: a sum in which each item weighs its parts.
    attention: the learned row looks at the other parts. Measured, none was better than the sum (docs/log.md)."""
    initial: Literal["auto", "pmi", "random"] = "auto"
    """The learned rows of items before the first step. pmi: factors of which items are taken near one another (Levy &
    Goldberg 2014), counted in seconds; the network then needs a third of the epochs, and ends above one from random
    rows. auto: pmi where nothing but the items is read; what they say leaves less to be counted (docs/log.md)."""
    item_layers: PositiveInt = 1
    """Of the item tower: 1 is a linear map of what the encoder says into the space of the items."""
    columns: bool = False
    """Read what the table of people says of each, added to the state through a linear map; of whom nothing is known
    nothing is added. What questions are to bring: `Queries.columns`."""
    columns_as: ColumnsConfig = ColumnsConfig(least_rows=20)
    """How the columns are read; a value that fewer people have is not learned."""
    forget_columns: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """How often in learning a person counts as one of whom nothing is known."""
    searches: NonNegativeInt = 0
    """The latest searches of a person read as the newest things they wanted, each an item that says these very words.
    Only where `texts` are read, for the encoder reads searches as well."""
    augment: AugmentConfig = AugmentConfig()
    ensemble: PositiveInt = 1
    """Networks learned with seeds that follow one another, whose scores are averaged. Costs as many times as much, in
    learning and in every answer."""
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()

    @property
    def dropout_rate(self) -> float:
        """Of a network in the making: by then the data has decided (`capacity.for_data`)."""
        assert self.dropout != "auto"
        return self.dropout
