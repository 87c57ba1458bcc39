"""Settings of training: optimisation, early stopping, sequence augmentation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from foretaste.config import Config

Fraction = Annotated[float, Field(ge=0, le=1)]


class AugmentConfig(Config):
    """Sequence augmentation, drawn anew each epoch. All probabilities are 0 by default: none measured better
    (docs/log.md).

    crop, drop and reorder change inputs and targets. substitute and mask change the inputs alone.
    """

    crop: Fraction = 0.0
    """Probability that a history is cut to a random window of it."""
    crop_keeps: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Length of that window as a share of the history."""
    drop: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability that an event is dropped."""
    reorder: Fraction = 0.0
    """Probability that a random window of a history is shuffled."""
    reorder_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Length of the shuffled window as a share of the history."""
    substitute: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability that an event's item is replaced by a similar one."""
    substitutes: PositiveInt = 5
    """Number of most similar items (by co-occurrence: itemknn) to draw the replacement from."""
    mask: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability that an event's item is replaced by a learned mask embedding. No effect in bert4rec, whose training
    objective is masking and has its own setting `masked`."""


class TrainingConfig(Config):
    """Optimisation and early stopping. One set of defaults for all data; docs/log.md has what it was chosen on."""

    epochs: PositiveInt = 100
    """Maximum; with a validation score, training stops `patience` epochs after the best one."""
    least_steps: NonNegativeInt = 200
    """Minimum number of batches: on small data `epochs` and `patience` are raised until it is reached."""
    patience: PositiveInt = 10
    """Epochs without a better validation score after which training stops."""
    batch_events: PositiveInt = 1024
    """Approximate events per batch. Counted in events and not in users, so that long and short histories give equally
    many steps per event, and one learning rate fits both."""
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 0.01
    warm_up_steps: NonNegativeInt = 100
    """Batches over which the learning rate rises linearly from 0."""
    clip: PositiveFloat = 1.0
    """Maximum norm of the gradient."""
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.998
    """Decay of the exponential moving average of the weights, which is used for inference; 0 switches it off."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Precision of the products with the whole catalogue, which are most of the work; the rest is float32."""
