"""Rating prediction models, on the scale of the ratings."""

from foretaste.registry.spec import ModelSpec

RATERS = {
    "bias": ModelSpec(
        "foretaste.models.ratings.bias:Bias",
        "global mean plus user and item bias",
        family="ratings",
        wants=(),
    ),
    "similarity_regression": ModelSpec(
        "foretaste.models.ratings.similarity_regression:SimilarityRegression",
        "per-user regression of ratings on item similarity",
        family="ratings",
    ),
    "svd": ModelSpec(
        "foretaste.models.ratings.svd:SVD",
        "matrix factorisation with biases, trained on ratings",
        extra="cf",
        family="ratings",
    ),
    "svdpp": ModelSpec(
        "foretaste.models.ratings.svdpp:SVDPP",
        "matrix factorisation with biases and implicit feedback from rated items (SVD++)",
        extra="cf",
        family="ratings",
    ),
}
