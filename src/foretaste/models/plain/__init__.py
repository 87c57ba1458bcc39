"""Non-personalised baselines (random, popular, trending), and popularity by user attributes (demographic)."""

from foretaste.registry.spec import ModelSpec

MODELS = {
    "random": ModelSpec(
        "foretaste.models.plain.random:Random",
        "anything, evenly: the floor under every measure",
        family="plain",
        wants=(),
        default="always",
        baseline=True,
        personalised=False,
        relates_by="nothing",
    ),
    "popular": ModelSpec(
        "foretaste.models.plain.popular:Popular",
        "what most people took",
        family="plain",
        wants=(),
        baseline=True,
        personalised=False,
        relates_by="nothing",
    ),
    "trending": ModelSpec(
        "foretaste.models.plain.trending:Trending",
        "what is wanted lately, as of the question",
        family="plain",
        wants=("times",),
        default="never",
        personalised=False,
        relates_by="nothing",
    ),
    "demographic": ModelSpec(
        "foretaste.models.plain.demographic:Demographic",
        "what people wanted who say the same of themselves",
        family="plain",
        needs=("user_columns",),
        wants=("people",),
        new_users=True,
        relates_by="nothing",
    ),
}
