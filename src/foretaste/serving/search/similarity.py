"""Similarity measures of items, and the model of a bundle that learned similarity from behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from foretaste.registry import model_spec

if TYPE_CHECKING:
    from foretaste.protocols import Recommender
    from foretaste.serving.world.world import World

By = Literal["text", "picture", "behaviour", "blend"]
TEXT, PICTURE, BEHAVIOUR, BLEND = "text", "picture", "behaviour", "blend"


def behaviour_of(world: World) -> Recommender | None:
    """The source with the largest merge weight among those that learned from events; None where there is none."""
    pipeline = world.catalogue.bundle.pipeline
    weights = {recall.model: recall.weight for recall in pipeline.config.recalls}
    learned = [name for name in pipeline.recalls or {} if model_spec(name).relates_by == "behaviour"]
    heaviest = max(learned, key=lambda name: weights.get(name, 0.0), default=None)
    return None if heaviest is None or pipeline.recalls is None else pipeline.recalls[heaviest]
