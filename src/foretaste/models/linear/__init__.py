"""Linear item-to-item models learned by regression."""

from foretaste.registry.spec import Cost, ModelSpec

MODELS = {
    "slim": ModelSpec(
        "foretaste.models.linear.slim:Slim",
        "sparse linear item-to-item weights, for large catalogues",
        extra="cf",
        family="linear",
        cost=Cost(time="co-occurrences", memory="items"),
        default="never",
    ),
    "ease": ModelSpec(
        "foretaste.models.linear.ease:Ease",
        "linear item-to-item weights by ridge regression, in closed form",
        family="linear",
        cost=Cost(time="items^2", memory="items^2"),
    ),
}
