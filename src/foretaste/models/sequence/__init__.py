"""Sequence models: networks that read a history in order and predict the next item."""

from foretaste.registry.spec import Cost, ModelSpec

MODELS = {
    "gru4rec": ModelSpec(
        "foretaste.models.sequence.gru4rec:Gru4Rec",
        "next items by a recurrent network",
        extra="torch",
        family="sequence",
        wants=("people", "events", "order"),
        cost=Cost(time="events*items", memory="items"),
        default="never",
    ),
    "bert4rec": ModelSpec(
        "foretaste.models.sequence.bert4rec:Bert4Rec",
        "next items by filling gaps from both sides",
        extra="torch",
        family="sequence",
        wants=("people", "events", "order"),
        cost=Cost(time="events*items", memory="items"),
        default="never",
    ),
    "sasrec": ModelSpec(
        "foretaste.models.sequence.sasrec:SasRec",
        "next items by a transformer over the history",
        extra="torch",
        family="sequence",
        wants=("people", "events", "order"),
        cost=Cost(time="events*items", memory="items"),
        default="without_times",
    ),
    "hstu": ModelSpec(
        "foretaste.models.sequence.hstu:Hstu",
        "next items by a transformer that minds times",
        extra="torch",
        family="sequence",
        wants=("people", "events", "order", "times"),
        cost=Cost(time="events*items", memory="items"),
        default="with_times",
    ),
}
