"""Steps between the merge and the answer: each takes candidates and gives candidates."""

from foretaste.registry.spec import PartSpec

STAGES = {
    "rank": PartSpec(
        "foretaste.pipeline.stages.rank:Rank", "orders the candidates by a ranker that learned what users take"
    ),
    "fatigue": PartSpec(
        "foretaste.pipeline.stages.fatigue:Fatigue",
        "demotes what a user was shown often and ignored",
        learns=False,
    ),
    "demote_similar": PartSpec(
        "foretaste.pipeline.stages.demote_similar:DemoteSimilar",
        "demotes what is similar to items a user wants less of",
        learns=False,
    ),
    "one_per_group": PartSpec(
        "foretaste.pipeline.stages.one_per_group:OnePerGroup",
        "keeps the best variant of each product",
        learns=False,
    ),
    "new_items": PartSpec(
        "foretaste.pipeline.stages.new_items:NewItems",
        "keeps places for items that came after the training",
        learns=False,
    ),
}
