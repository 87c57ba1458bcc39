"""Sequence models: networks that read a history in order and predict the next item."""

from foretaste.registry.spec import Cost, ModelSpec

MODELS = {
    "gru4rec": ModelSpec(
        "foretaste.models.sequence.gru4rec:Gru4Rec",
        "next-item prediction by a recurrent network",
        extra="torch",
        family="sequence",
        wants=("people", "events", "order"),
        cost=Cost(time="events*items", memory="items"),
        default="never",
    ),
    "bert4rec": ModelSpec(
        "foretaste.models.sequence.bert4rec:Bert4Rec",
        "next-item prediction by a bidirectional transformer",
        extra="torch",
        family="sequence",
        wants=("people", "events", "order"),
        cost=Cost(time="events*items", memory="items"),
        default="never",
    ),
    "sasrec": ModelSpec(
        "foretaste.models.sequence.sasrec:SasRec",
        "next-item prediction by a causal transformer",
        extra="torch",
        family="sequence",
        wants=("people", "events", "order"),
        cost=Cost(time="events*items", memory="items"),
        default="without_times",
    ),
    "hstu": ModelSpec(
        "foretaste.models.sequence.hstu:Hstu",
        "next-item prediction by a causal transformer with time and position bias",
        extra="torch",
        family="sequence",
        wants=("people", "events", "order", "times"),
        cost=Cost(time="events*items", memory="items"),
        default="with_times",
    ),
}
