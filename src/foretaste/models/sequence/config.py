"""Settings shared by all sequence models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from foretaste.config import Config
from foretaste.features.columns import ColumnsConfig
from foretaste.features.images import ImageEncoderConfig
from foretaste.features.text import TextEncoderConfig
from foretaste.training.config import AugmentConfig, TrainingConfig


class LossConfig(Config):
    """Loss of the sequence models, and its negatives."""

    kind: Literal["softmax", "sampled", "gbce", "bpr"] = "softmax"
    """softmax: cross-entropy over all items. sampled, gbce, bpr: against `negatives` sampled items."""
    negatives: PositiveInt = 512
    """Sampled negatives, shared by all events of a batch."""
    calibration: float = 0.75
    """t of gBCE (Petrov & Macdonald, RecSys 2023): 0 is plain BCE, 1 is fully calibrated for the sampling."""
    most_items: PositiveInt = 200_000
    """With more items than this, softmax becomes sampled softmax, since its cost grows with the catalogue."""


class SequenceConfig(Config):
    """Base of the settings of the sequence models."""

    width: PositiveInt = 64
    """Length of item embeddings and hidden states."""
    max_length: PositiveInt = 200
    """How many of the newest events of a history are read. Short histories are not padded to it."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | Literal["auto"] = "auto"
    """Dropout rate. auto: from 0.5 at 25 events per item down to 0.2 at 45, as validation chose on sparse and on dense
    data (docs/log.md)."""
    windows: bool = False
    """Train on a random window of each longer history, drawn anew every epoch, instead of on its newest events."""
    texts: TextEncoderConfig | None = None
    """Frozen text encoder whose projected vectors are added to the id embeddings. None reads no texts."""
    times: bool = True
    """Read the time between consecutive events, where events have times."""
    words: bool = False
    """Add learned embeddings of the item's words, weighted by tf-idf. They generalise to new items with known words."""
    ids: bool = True
    """Learn an embedding per item. False reads only the content of items, so that cold items are scored like others."""
    pictures: ImageEncoderConfig | None = None
    """Frozen image encoder whose projected vectors are added; items may lack a picture."""
    item_columns: ColumnsConfig | None = None
    """Add encoded columns of the item table (categories, labels, numbers, dates), encoded with these settings."""
    vectors: str | None = None
    """Add external item vectors (audio, video): a file for `features/external_vectors.py`; items may lack one."""
    fusion: Literal["sum", "concat", "gated", "attention"] = "sum"
    """How id embedding, texts, words, pictures, columns and vectors of an item are fused; missing parts are left out.
    sum: added. concat: concatenated and projected, plus the sum. gated: a sum with learned gates per item. attention:
    the id embedding attends to the other parts. In our measurements none was better than the sum (docs/log.md)."""
    initial: Literal["auto", "pmi", "random"] = "auto"
    """Initial item embeddings. pmi: factors of the PMI matrix (Levy & Goldberg 2014), computed in seconds;
    training then takes a third of the epochs and ends with better lists than from random ones. auto: pmi where only
    ids are read, since content leaves less to gain (docs/log.md)."""
    item_layers: PositiveInt = 1
    """Layers of the item tower: 1 is a linear map from encoder vectors to item vectors."""
    columns: bool = False
    """Read the columns of the user table, added to the state through a linear map; nothing is added for users without
    values. Queries bring them in `Queries.columns`."""
    columns_as: ColumnsConfig = ColumnsConfig(least_rows=20)
    """How user columns are encoded; a value of fewer than `least_rows` users is not learned."""
    forget_columns: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of the training rows whose user columns are dropped, so that the model also serves users without any."""
    searches: NonNegativeInt = 0
    """How many of the user's latest searches are read as newest events, each like an item whose text is the query.
    Only where `texts` are read, since the same encoder reads the searches."""
    augment: AugmentConfig = AugmentConfig()
    """Augmentation of the histories in training."""
    ensemble: PositiveInt = 1
    """Networks with consecutive seeds, whose scores are averaged; multiplies the cost of training and serving."""
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    """Optimiser, epochs, early stopping and precision."""

    @property
    def dropout_rate(self) -> float:
        """The dropout rate once "auto" is resolved (`training.capacity.resolve_auto_settings`)."""
        assert self.dropout != "auto"
        return self.dropout
