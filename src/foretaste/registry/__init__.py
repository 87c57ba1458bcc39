"""Every part by name, in one table per kind; the facts about a model stand beside it, in its family's folder.

Packages elsewhere add theirs through entry points: `foretaste.models`, `foretaste.raters`, `foretaste.stages`,
`foretaste.rankers`. What they declare is used like what is built in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.registry.spec import Cost, Growth, ModelSpec, Need, PartSpec, Size
from foretaste.registry.table import Table

if TYPE_CHECKING:
    from foretaste.protocols import RatingModel, Recommender

FAMILIES = ("plain", "neighbours", "graph", "factors", "linear", "sequence", "content")
"""Folders of models/; the order in which models are listed."""
FALLBACK = "popular"
"""The model that fills short lists, and the least that a pipeline must beat."""
NEW = "new"
"""The source of items that came after the training and were put into a list by the stage `new_items`."""
NEW_ITEMS = "new_items"
"""The stage that keeps places for them."""
DEFAULT_RECALLS = ("ease", "itemknn")
"""The sources of a pipeline that nobody configured: closed forms that learn in seconds."""
MODELS = Table(
    "model",
    "foretaste.models",
    [f"foretaste.models.{family}:MODELS" for family in FAMILIES],
    ModelSpec,
    ("config_class", "grid", "fit", "recommend", "score", "save", "load"),
    "Recommender",
)
RATERS = Table(
    "rater",
    "foretaste.raters",
    ["foretaste.models.ratings:RATERS"],
    ModelSpec,
    ("config_class", "grid", "fit", "rate", "save", "load"),
    "RatingModel",
)
"""Models that predict ratings on the scale of the data; they score given items and retrieve none."""

STAGES = Table(
    "stage",
    "foretaste.stages",
    ["foretaste.pipeline.stages:STAGES"],
    PartSpec,
    ("config_class", "extra", "__call__", "save", "load"),
    "Stage",
    " One of another package needs that package installed.",
)
"""Steps of a pipeline between the merge and the answer."""
RANKERS = Table(
    "ranker",
    "foretaste.rankers",
    [],
    PartSpec,
    ("config_class", "fit", "score", "save", "load"),
    "Ranker",
    " One of another package needs that package installed.",
)
"""What the stage `rank` orders candidates by."""


def models() -> dict[str, ModelSpec]:
    """Name to spec of every model that recommends: the built-in ones, then those of other packages."""
    return MODELS.all()


all_models = models
"""`foretaste.all_models`: the name `foretaste.models` is that of the folder of their modules."""


def raters() -> dict[str, ModelSpec]:
    """Name to spec of every model that predicts ratings."""
    return RATERS.all()


def model_spec(name: str) -> ModelSpec:
    """What is known of a model; UnknownNameError where there is none of this name."""
    return MODELS.spec(name)


def model_class(name: str) -> type[Recommender]:
    """The class of a model, imported now; MissingExtraError where its packages are not installed."""
    found: type[Recommender] = MODELS.load(name)
    return found


def rater_class(name: str) -> type[RatingModel]:
    """The class of a rater, imported now; MissingExtraError where its packages are not installed."""
    found: type[RatingModel] = RATERS.load(name)
    return found


def register(name: str, made: type[Recommender]) -> None:
    """A model class of your own under a name, until this process ends: for pipelines, comparisons, `model_class`.

    Registered again, as a notebook does, the newer class replaces the older. What others are to use is an entry point
    of a package. A class may say what it needs and costs in an attribute `spec`, a `ModelSpec`.
    """
    MODELS.register(name, made)


__all__ = [
    "DEFAULT_RECALLS",
    "FALLBACK",
    "FAMILIES",
    "MODELS",
    "NEW",
    "NEW_ITEMS",
    "RANKERS",
    "RATERS",
    "STAGES",
    "Cost",
    "Growth",
    "ModelSpec",
    "Need",
    "PartSpec",
    "Size",
    "all_models",
    "model_class",
    "model_spec",
    "models",
    "rater_class",
    "raters",
    "register",
]
