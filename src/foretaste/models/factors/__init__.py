"""Matrix factorisation and item embeddings."""

from foretaste.registry.spec import ModelSpec

MODELS = {
    "puresvd": ModelSpec(
        "foretaste.models.factors.puresvd:PureSVD",
        "truncated SVD of the user-item matrix, in closed form",
        family="factors",
        default="never",
    ),
    "ials": ModelSpec(
        "foretaste.models.factors.ials:IALS",
        "implicit-feedback matrix factorisation by alternating least squares",
        family="factors",
        default="never",
    ),
    "bpr": ModelSpec(
        "foretaste.models.factors.bpr:BPR",
        "matrix factorisation with a pairwise ranking loss",
        extra="cf",
        family="factors",
        default="never",
    ),
    "item2vec": ModelSpec(
        "foretaste.models.factors.item2vec:Item2Vec",
        "item embeddings by skip-gram on histories",
        extra="cf",
        family="factors",
        wants=("people", "order"),
        default="never",
    ),
    "mf": ModelSpec(
        "foretaste.models.factors.mf:MF",
        "matrix factorisation with logistic loss and sampled negatives",
        extra="cf",
        family="factors",
        default="never",
    ),
}
