"""Every model in one table. A line here is all that tests, command line, service and documentation need.

Packages elsewhere add theirs through the entry point group `foretaste.models`: name = "package.module:Class".
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, NamedTuple

from foretaste.errors import MissingExtraError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from foretaste.protocols import Recommender


class ModelSpec(NamedTuple):
    path: str
    """'package.module:Class', imported only when the model is used."""
    summary: str
    """What it recommends, in one breath."""
    extra: str | None = None
    """The extra of foretaste that brings its packages."""


BUILT_IN = {
    "random": ModelSpec("foretaste.models.random:Random", "anything, evenly: the floor under every measure"),
    "popular": ModelSpec("foretaste.models.popular:Popular", "what most people took"),
    "itemknn": ModelSpec("foretaste.models.itemknn:ItemKNN", "items taken by the same people (cosine)"),
    "rp3beta": ModelSpec("foretaste.models.rp3beta:RandomWalk", "a short random walk, the popular pushed back"),
    "userknn": ModelSpec("foretaste.models.userknn:UserKNN", "what like-minded people took (cosine)"),
    "gfcf": ModelSpec(
        "foretaste.models.gfcf:GraphFilter", "each history smoothed over the graph of items, in closed form"
    ),
    "ease": ModelSpec("foretaste.models.ease:Ease", "the best linear item-to-item weights, in closed form"),
    "content": ModelSpec(
        "foretaste.models.content:Content",
        "items whose words mean the same (pretrained language model)",
        "text",
    ),
}


@cache
def models() -> dict[str, ModelSpec]:
    """Name to spec: the built-in models, then those of other packages, which may not take a name that is taken."""
    found = dict(BUILT_IN)
    for point in entry_points(group="foretaste.models"):
        found.setdefault(point.name, ModelSpec(point.value, f"from the package {point.dist and point.dist.name}"))
    return found


def model_spec(name: str) -> ModelSpec:
    if (spec := models().get(name)) is None:
        raise UnknownNameError(f"No model is called '{name}'.{did_you_mean(name, models())}")
    return spec


def model_class(name: str) -> type[Recommender]:
    """The class of a model, imported now."""
    spec = model_spec(name)
    module, _, attribute = spec.path.partition(":")
    try:
        found: type[Recommender] = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if spec.extra is None:
            raise
        raise MissingExtraError(error.name or "?", spec.extra, f"The model '{name}'") from error
    return found
