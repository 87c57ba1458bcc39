"""Neighbourhood models: item and user kNN, random walks, association rules."""

from foretaste.registry.spec import Cost, ModelSpec

MODELS = {
    "itemknn": ModelSpec(
        "foretaste.models.neighbours.itemknn:ItemKNN",
        "item-based nearest neighbours: items with the same users",
        family="neighbours",
        cost=Cost(time="co-occurrences", memory="items"),
    ),
    "rules": ModelSpec(
        "foretaste.models.neighbours.rules:Rules",
        "association rules between items, by confidence and lift",
        family="neighbours",
        cost=Cost(time="co-occurrences", memory="items"),
        default="never",
    ),
    "p3alpha": ModelSpec(
        "foretaste.models.neighbours.p3alpha:PlainWalk",
        "three-step random walk on the user-item graph",
        family="neighbours",
        cost=Cost(time="co-occurrences", memory="items"),
        default="never",
    ),
    "rp3beta": ModelSpec(
        "foretaste.models.neighbours.rp3beta:RandomWalk",
        "three-step random walk on the user-item graph, with a popularity penalty",
        family="neighbours",
        cost=Cost(time="co-occurrences", memory="items"),
    ),
    "userknn": ModelSpec(
        "foretaste.models.neighbours.userknn:UserKNN",
        "user-based nearest neighbours: items of similar users",
        family="neighbours",
    ),
}
