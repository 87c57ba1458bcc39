"""Every model in one table. A line here is all that tests, command line, service and documentation need.

Packages elsewhere add theirs through the entry point group `foretaste.models`: name = "package.module:Class".
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

from foretaste.errors import ConfigError, MissingExtraError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from foretaste.protocols import RatingModel, Recommender


class ModelSpec(NamedTuple):
    path: str
    """'package.module:Class', imported only when the model is used."""
    summary: str
    """What it recommends, in one breath."""
    extra: str | None = None
    """The extra of foretaste that brings its packages."""


BUILT_IN = {
    "random": ModelSpec("foretaste.models.plain.random:Random", "anything, evenly: the floor under every measure"),
    "popular": ModelSpec("foretaste.models.plain.popular:Popular", "what most people took"),
    "trending": ModelSpec("foretaste.models.plain.trending:Trending", "what is wanted lately, as of the question"),
    "demographic": ModelSpec(
        "foretaste.models.plain.demographic:Demographic", "what people wanted who say the same of themselves"
    ),
    "itemknn": ModelSpec("foretaste.models.neighbours.itemknn:ItemKNN", "items taken by the same people"),
    "rules": ModelSpec(
        "foretaste.models.neighbours.rules:Rules", "who took this also took that, more often than chance"
    ),
    "p3alpha": ModelSpec("foretaste.models.neighbours.p3alpha:PlainWalk", "a short random walk over people and items"),
    "rp3beta": ModelSpec(
        "foretaste.models.neighbours.rp3beta:RandomWalk", "a short random walk, the popular pushed back"
    ),
    "userknn": ModelSpec("foretaste.models.neighbours.userknn:UserKNN", "what like-minded people took"),
    "gfcf": ModelSpec(
        "foretaste.models.graph.gfcf:GraphFilter", "each history smoothed over the graph of items, in closed form"
    ),
    "bspm": ModelSpec(
        "foretaste.models.graph.bspm:BlurSharpen", "each history blurred over the graph, then sharpened again"
    ),
    "puresvd": ModelSpec("foretaste.models.factors.puresvd:PureSVD", "the main directions of taste, in closed form"),
    "ials": ModelSpec(
        "foretaste.models.factors.ials:IALS", "factors for what was taken and, gently, for all that was not"
    ),
    "bpr": ModelSpec("foretaste.models.factors.bpr:BPR", "factors that rank what was taken above what was not", "cf"),
    "item2vec": ModelSpec(
        "foretaste.models.factors.item2vec:Item2Vec", "items that keep the same company in histories", "cf"
    ),
    "lightgcn": ModelSpec(
        "foretaste.models.graph.lightgcn:LightGCN", "vectors smoothed over the graph, learned", "torch"
    ),
    "tfidf": ModelSpec("foretaste.models.content.tfidf:Tfidf", "items described with the same telling words"),
    "mf": ModelSpec(
        "foretaste.models.factors.mf:MF", "factors learned event by event, against items drawn at random", "cf"
    ),
    "slim": ModelSpec("foretaste.models.linear.slim:Slim", "few item-to-item weights, for large catalogues", "cf"),
    "ease": ModelSpec("foretaste.models.linear.ease:Ease", "the best linear item-to-item weights, in closed form"),
    "gru4rec": ModelSpec("foretaste.models.sequence.gru4rec:Gru4Rec", "next items by a recurrent network", "torch"),
    "bert4rec": ModelSpec(
        "foretaste.models.sequence.bert4rec:Bert4Rec", "next items by filling gaps from both sides", "torch"
    ),
    "sasrec": ModelSpec(
        "foretaste.models.sequence.sasrec:SasRec", "next items by a transformer over the history", "torch"
    ),
    "hstu": ModelSpec("foretaste.models.sequence.hstu:Hstu", "next items by a transformer that minds times", "torch"),
    "two_tower": ModelSpec(
        "foretaste.models.content.two_tower:TwoTower",
        "a tower reads the history, a tower what items say of themselves",
        "text",
    ),
    "content": ModelSpec(
        "foretaste.models.content.content:Content",
        "items whose words mean the same (pretrained language model)",
        "text",
    ),
    "content_tuned": ModelSpec(
        "foretaste.models.content.tuned:TunedContent",
        "the same, the language model fine-tuned on what people take together",
        "text",
    ),
    "content_metric": ModelSpec(
        "foretaste.models.content.metric:ContentMetric",
        "items near in a space that histories taught: words and language model, learned in seconds",
        "text",
    ),
    "bridge": ModelSpec(
        "foretaste.models.content.bridge:Bridge",
        "what goes with the history, carried over to new items by the items they are most like",
        "text",
    ),
    "profile_classifier": ModelSpec(
        "foretaste.models.content.profile_classifier:ProfileClassifier",
        "one linear model per person over what items say, for people with few events",
        "text",
    ),
}

RATERS = {
    "bias": ModelSpec(
        "foretaste.models.ratings.bias:Bias", "what this item gets, from somebody as kind as this person"
    ),
    "similarity_regression": ModelSpec(
        "foretaste.models.ratings.similarity_regression:SimilarityRegression",
        "a straight line through a person's own ratings of similar items",
    ),
    "svd": ModelSpec("foretaste.models.ratings.svd:SVD", "factors and biases, learned rating by rating", "cf"),
    "svdpp": ModelSpec("foretaste.models.ratings.svdpp:SVDPP", "factors, and what a person chose to rate at all", "cf"),
}
"""Models that expect ratings on the scale of the data; they judge items and do not offer any."""


_OWN: dict[str, type[Recommender]] = {}
PARTS = ("config_class", "grid", "fit", "recommend", "score", "save", "load")
"""What a model class has."""


@cache
def models() -> dict[str, ModelSpec]:
    """Name to spec: the built-in models, then those of other packages, which may not take a name that is taken."""
    found = dict(BUILT_IN)
    for point in entry_points(group="foretaste.models"):
        found.setdefault(point.name, ModelSpec(point.value, f"from the package {point.dist and point.dist.name}"))
    return found


def register(name: str, made: type[Recommender]) -> None:
    """A model class of your own under a name, until this process ends: for pipelines, comparisons, `model_class`.

    Done again, as a notebook does, the newer class takes the place of the older. What others are to use is an entry
    point of a package.
    """
    if name in models() and name not in _OWN:
        raise ConfigError(f"A model is called '{name}' already; choose another name.")
    if missing := [part for part in PARTS if not hasattr(made, part)]:
        raise ConfigError(f"{made.__name__} has no {' and no '.join(missing)}; see foretaste.protocols.Recommender.")
    _OWN[name] = made
    models()[name] = ModelSpec(f"{made.__module__}:{made.__qualname__}", f"{made.__name__}, registered by hand")


all_models = models
"""`foretaste.all_models`: the name `foretaste.models` is that of the folder of their modules."""


def model_spec(name: str) -> ModelSpec:
    if (spec := models().get(name)) is None:
        raise UnknownNameError(f"No model is called '{name}'.{did_you_mean(name, models())}")
    return spec


def model_class(name: str) -> type[Recommender]:
    """The class of a model, imported now."""
    spec = model_spec(name)
    found: type[Recommender] = _OWN[name] if name in _OWN else _imported(name, spec)
    return found


def rater_class(name: str) -> type[RatingModel]:
    """The class of a model of ratings, imported now."""
    if name not in RATERS:
        raise UnknownNameError(f"No rater is called '{name}'.{did_you_mean(name, RATERS)}")
    found: type[RatingModel] = _imported(name, RATERS[name])
    return found


def _imported(name: str, spec: ModelSpec) -> Any:
    module, _, attribute = spec.path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if spec.extra is None:
            raise
        raise MissingExtraError(error.name or "?", spec.extra, f"The model '{name}'") from error
