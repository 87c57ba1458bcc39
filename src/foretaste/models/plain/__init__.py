"""Non-personalised baselines (random, popular, trending), and popularity by user attributes (demographic)."""

from foretaste.registry.spec import ModelSpec

MODELS = {
    "random": ModelSpec(
        "foretaste.models.plain.random:Random",
        "items in random order: the lower bound of every metric",
        family="plain",
        wants=(),
        default="always",
        baseline=True,
        personalised=False,
        relates_by="nothing",
    ),
    "popular": ModelSpec(
        "foretaste.models.plain.popular:Popular",
        "most popular items",
        family="plain",
        wants=(),
        baseline=True,
        personalised=False,
        relates_by="nothing",
    ),
    "trending": ModelSpec(
        "foretaste.models.plain.trending:Trending",
        "recently popular items: events decay exponentially with age",
        family="plain",
        wants=("times",),
        default="never",
        personalised=False,
        relates_by="nothing",
    ),
    "demographic": ModelSpec(
        "foretaste.models.plain.demographic:Demographic",
        "popular among users with the same attributes (naive Bayes)",
        family="plain",
        needs=("user_columns",),
        wants=("people",),
        new_users=True,
        relates_by="nothing",
    ),
}
