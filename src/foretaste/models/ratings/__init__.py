"""Rating prediction models, on the scale of the ratings."""

from foretaste.registry.spec import ModelSpec

RATERS = {
    "bias": ModelSpec(
        "foretaste.models.ratings.bias:Bias",
        "what this item gets, from somebody as kind as this person",
        family="ratings",
        wants=(),
    ),
    "similarity_regression": ModelSpec(
        "foretaste.models.ratings.similarity_regression:SimilarityRegression",
        "a straight line through a person's own ratings of similar items",
        family="ratings",
    ),
    "svd": ModelSpec(
        "foretaste.models.ratings.svd:SVD",
        "factors and biases, learned rating by rating",
        extra="cf",
        family="ratings",
    ),
    "svdpp": ModelSpec(
        "foretaste.models.ratings.svdpp:SVDPP",
        "factors, and what a person chose to rate at all",
        extra="cf",
        family="ratings",
    ),
}
