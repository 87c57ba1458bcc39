"""The search space of a model: the settings its grid varies, each a little beyond the values in the grid."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union, get_args, get_origin

from foretaste.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foretaste.config import Config
    from foretaste.protocols import Recommender

RANGE_FACTOR = 3.0
"""A range reaches from a third of the least value in the grid to three times the largest."""


class Range(NamedTuple):
    """low to high, both included; `log` where values differ by factors rather than by steps."""

    low: float
    high: float
    whole: bool
    log: bool


Choice = tuple[Any, ...]
Space = dict[str, "Range | Choice"]


def space_of(model: type[Recommender]) -> Space:
    """Setting to its range or its choices; empty where the grid varies nothing.

    A model whose settings need other ranges has a classmethod `space` that returns them.
    """
    if (own := getattr(model, "space", None)) is not None:
        found: Space = own()
        return found
    fields = model.config_class.model_fields
    space: Space = {}
    for name, field in fields.items():
        values = []
        for config in model.grid:  # not a set: a setting may be a dictionary
            if (value := getattr(config, name)) not in values:
                values.append(value)
        if len(values) < 2:
            continue
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            space[name] = _range(values, field.metadata)
        elif all(value is None or isinstance(value, bool | int | float | str) for value in values):
            space[name] = tuple(dict.fromkeys([*values, *_literals(field.annotation)]))
    return space


def config_of(model: type[Recommender], values: Mapping[str, Any]) -> Config | None:
    """The default with these settings changed; None where the config refuses them together."""
    config = model.config_class
    try:
        return config.parse({**model.grid[0].model_dump(), **values}, "tuning")
    except ConfigError:
        return None


def _range(values: list[float], bounds: list[Any]) -> Range:
    whole = all(isinstance(value, int) for value in values)
    low, high = min(values), max(values)
    log = low > 0
    # Ranges with bounds (shares) stay within them; everything else is extended.
    low, high = (low / RANGE_FACTOR, high * RANGE_FACTOR) if log else (low, high + (high - low) / 2)
    for bound in bounds:
        low = max(low, *(v for v in (getattr(bound, "ge", None), getattr(bound, "gt", None)) if v is not None), low)
        high = min(high, *(v for v in (getattr(bound, "le", None), getattr(bound, "lt", None)) if v is not None), high)
    if whole:
        low, high = (max(1, round(low)), round(high)) if log else (round(low), round(high))
    return Range(low, high, whole, log)


def _literals(annotation: Any) -> tuple[Any, ...]:
    """The values a Literal names, also inside a union."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(value for part in get_args(annotation) for value in _literals(part))
    return ()
