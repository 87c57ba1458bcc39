"""Graph models on the user-item graph: closed-form graph filters and graph convolution."""

from foretaste.registry.spec import Cost, ModelSpec

MODELS = {
    "gfcf": ModelSpec(
        "foretaste.models.graph.gfcf:GraphFilter",
        "each history smoothed over the graph of items, in closed form",
        family="graph",
        cost=Cost(time="co-occurrences", memory="co-occurrences"),
    ),
    "bspm": ModelSpec(
        "foretaste.models.graph.bspm:BlurSharpen",
        "each history blurred over the graph, then sharpened again",
        family="graph",
        cost=Cost(time="co-occurrences", memory="co-occurrences"),
        default="never",
    ),
    "lightgcn": ModelSpec(
        "foretaste.models.graph.lightgcn:LightGCN",
        "vectors smoothed over the graph, learned",
        extra="torch",
        family="graph",
        wants=("people", "events"),
        default="never",
    ),
}
