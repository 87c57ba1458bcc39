"""Graph models on the user-item graph: closed-form graph filters and graph convolution."""

from foretaste.registry.spec import Cost, ModelSpec

MODELS = {
    "gfcf": ModelSpec(
        "foretaste.models.graph.gfcf:GraphFilter",
        "graph filtering of histories in closed form",
        family="graph",
        cost=Cost(time="co-occurrences", memory="co-occurrences"),
    ),
    "bspm": ModelSpec(
        "foretaste.models.graph.bspm:BlurSharpen",
        "graph filtering of histories by blurring and sharpening",
        family="graph",
        cost=Cost(time="co-occurrences", memory="co-occurrences"),
        default="never",
    ),
    "lightgcn": ModelSpec(
        "foretaste.models.graph.lightgcn:LightGCN",
        "graph convolution on the user-item graph, trained with a pairwise ranking loss",
        extra="torch",
        family="graph",
        wants=("people", "events"),
        default="never",
    ),
}
