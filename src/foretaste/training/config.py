"""How a network is trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from foretaste.config import Config

Fraction = Annotated[float, Field(ge=0, le=1)]


class AugmentConfig(Config):
    """Histories changed a little each time they are learned from. All chances are 0 by default: nothing measured
    (docs/log.md) speaks for another.

    crop, drop and reorder make another history, and ask for what follows in it. substitute and mask change only what is
    read: what is asked for stays what the person took.
    """

    crop: Fraction = 0.0
    """Chance that a history is cut to a part of it, drawn anew each epoch."""
    crop_keeps: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Fraction of the history that such a part holds."""
    drop: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Chance of each event to be left out."""
    reorder: Fraction = 0.0
    """Chance that a part of a history is put in another order."""
    reorder_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Fraction of the history that such a part holds."""
    substitute: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Chance of each event to be read as one of an item like it."""
    substitutes: PositiveInt = 5
    """Of so many items that are most like it (taken by the same people: itemknn), one is drawn."""
    mask: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Chance of each event to be read without its item: a learned row stands there. bert4rec, which learns by nothing
    else, has its own setting `masked`, and this one changes nothing there."""


class TrainingConfig(Config):
    """The defaults are one recipe meant to be good everywhere; docs/log.md says what they were chosen on."""

    epochs: PositiveInt = 100
    """At most; with a validation score at hand, training stops `patience` epochs after the best."""
    least_steps: NonNegativeInt = 200
    """Small data goes round more often, until so many batches were learned from."""
    patience: PositiveInt = 10
    batch_events: PositiveInt = 1024
    """About so many at once. Counted in events and not in people, long histories make as many steps of an epoch as
    short ones, and one recipe fits both."""
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 0.01
    warm_up_steps: NonNegativeInt = 100
    """The learning rate rises from 0 over so many batches."""
    clip: PositiveFloat = 1.0
    """The gradient is made no longer than this."""
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.998
    """Of the weights over batches, used instead of them: each average keeps so much of the last; 0 for none."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the products with the whole catalogue, most of the work; all else is float32."""
