"""Neighbourhood models: item and user kNN, random walks, association rules."""

from foretaste.registry.spec import Cost, ModelSpec

MODELS = {
    "itemknn": ModelSpec(
        "foretaste.models.neighbours.itemknn:ItemKNN",
        "items taken by the same people",
        family="neighbours",
        cost=Cost(time="co-occurrences", memory="items"),
    ),
    "rules": ModelSpec(
        "foretaste.models.neighbours.rules:Rules",
        "who took this also took that, more often than chance",
        family="neighbours",
        cost=Cost(time="co-occurrences", memory="items"),
        default="never",
    ),
    "p3alpha": ModelSpec(
        "foretaste.models.neighbours.p3alpha:PlainWalk",
        "a short random walk over people and items",
        family="neighbours",
        cost=Cost(time="co-occurrences", memory="items"),
        default="never",
    ),
    "rp3beta": ModelSpec(
        "foretaste.models.neighbours.rp3beta:RandomWalk",
        "a short random walk, the popular pushed back",
        family="neighbours",
        cost=Cost(time="co-occurrences", memory="items"),
    ),
    "userknn": ModelSpec(
        "foretaste.models.neighbours.userknn:UserKNN",
        "what like-minded people took",
        family="neighbours",
    ),
}
