"""A model, a ranker and a stage for foretaste. This file is all that is imported to list them."""

from foretaste.registry import Cost, ModelSpec, PartSpec

LATEST = ModelSpec(
    "toy_parts.latest:Latest",
    "what was taken last, by anybody",
    family="toy",
    wants=("times",),
    cost=Cost(time="events", memory="items"),
    personalised=False,
    relates_by="nothing",
)
SOURCE_WEIGHTS = PartSpec("toy_parts.source_weights:SourceWeights", "adds up the sources, each with a learned weight")
BOOST = PartSpec("toy_parts.boost:Boost", "moves items with a value in a column up", learns=False)
