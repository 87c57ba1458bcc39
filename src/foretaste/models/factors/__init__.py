"""Matrix factorisation and item embeddings."""

from foretaste.registry.spec import ModelSpec

MODELS = {
    "puresvd": ModelSpec(
        "foretaste.models.factors.puresvd:PureSVD",
        "the main directions of taste, in closed form",
        family="factors",
        default="never",
    ),
    "ials": ModelSpec(
        "foretaste.models.factors.ials:IALS",
        "factors for what was taken and, gently, for all that was not",
        family="factors",
        default="never",
    ),
    "bpr": ModelSpec(
        "foretaste.models.factors.bpr:BPR",
        "factors that rank what was taken above what was not",
        extra="cf",
        family="factors",
        default="never",
    ),
    "item2vec": ModelSpec(
        "foretaste.models.factors.item2vec:Item2Vec",
        "items that keep the same company in histories",
        extra="cf",
        family="factors",
        wants=("people", "order"),
        default="never",
    ),
    "mf": ModelSpec(
        "foretaste.models.factors.mf:MF",
        "factors learned event by event, against items drawn at random",
        extra="cf",
        family="factors",
        default="never",
    ),
}
