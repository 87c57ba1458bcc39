"""Which models of the registry fit a data set, and why the others do not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import TYPE_CHECKING

import numpy as np

from foretaste.data.checks.report import ModelFit
from foretaste.errors import ConfigError, DataError, UnknownNameError
from foretaste.registry import MODELS, Size, model_class, model_spec, models

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from foretaste.data.dataset import Dataset
    from foretaste.registry import ModelSpec, Need

MIN_USERS = 20
"""With fewer users of three events or more nothing can be trained on histories, nor measured."""
MIN_EVENTS_PER_USER = 3
MIN_EVENTS_FOR_GRADIENT_TRAINING = 20_000
"""From here models trained by gradient descent are worth their time; a rule of thumb."""
MIN_MEDIAN_HISTORY = 4
"""Median events per user from which sequence models are worth their time."""


@dataclass(frozen=True)
class AvailableData:
    """Which needs of models a data set meets.

    lacks : need to a sentence that says what is missing
    has   : need to a phrase that says what there is
    """

    lacks: Mapping[Need, str]
    has: Mapping[Need, str]

    @classmethod
    def of(cls, data: Dataset) -> AvailableData:
        per_user = np.bincount(data.user, minlength=data.n_users)
        per_user = per_user[per_user > 0]
        people = int((per_user >= MIN_EVENTS_PER_USER).sum())
        median = float(np.median(per_user)) if len(per_user) else 0.0
        described = sum(1 for text in data.items.texts() if text)
        columns = [] if data.user_table is None else [name for name in data.user_table.columns if name != "user"]
        lacks: dict[Need, str | bool] = {
            "people": people < MIN_USERS
            and f"only {people} users have {MIN_EVENTS_PER_USER} events or more, and {MIN_USERS} are needed",
            "events": len(data) < MIN_EVENTS_FOR_GRADIENT_TRAINING
            and f"{len(data):,} events are few for a model trained by gradient descent; it needs "
            f"{MIN_EVENTS_FOR_GRADIENT_TRAINING:,}",
            "order": median < MIN_MEDIAN_HISTORY
            and f"histories are short (median {median:g} events): no order to learn",
            "times": data.time is None and "the events have no times",
            "user_columns": not columns and "there are no columns of users; name a file with --users",
            "texts": not described and "the items have no texts; name a file with --items",
        }
        has: dict[Need, str] = {
            "people": f"{people:,} users to learn from",
            "events": f"{len(data):,} events",
            "order": f"histories of {median:g} events (median)",
            "times": "every event has a time",
            "user_columns": f"columns of users: {', '.join(columns)}",
            "texts": f"{described:,} of {data.n_items:,} items have texts",
        }
        return cls({need: why for need, why in lacks.items() if isinstance(why, str)}, has)


def model_fits(data: Dataset) -> tuple[ModelFit, ...]:
    """One line for every model in the registry, those of other packages too, in its order."""
    available = AvailableData.of(data)
    return tuple(_fit(name, spec, available, data) for name, spec in models().items())


def _fit(name: str, spec: ModelSpec, available: AvailableData, data: Dataset) -> ModelFit:
    missing = [available.lacks[need] for need in (*spec.needs, *spec.wants) if need in available.lacks]
    if missing:
        return ModelFit(name=name, fits=False, reason=f"{missing[0]}.")
    if (reason := refusal(name, available, data)) is not None:
        return ModelFit(name=name, fits=False, reason=reason)
    reason = "; ".join(available.has[need] for need in (*spec.wants, *spec.needs)) or "always, as a baseline"
    return ModelFit(name=name, fits=True, reason=f"{reason}.")


def refusal(name: str, available: AvailableData, data: Dataset) -> str | None:
    """Why a model cannot be trained on this data at all, as a sentence; None where it can."""
    spec = model_spec(name)
    if (why := MODELS.broken(name)) is not None:
        return f"{why}."
    for need in spec.needs:
        if need in available.lacks:
            return f"{available.lacks[need]}."
    return too_large(name, spec, data.n_items) or not_installed(spec)


def default_models(data: Dataset) -> list[str]:
    """The models to train where the user names none.

    The built-in models with `ModelSpec.default` and every model of another installed package, as far as they fit this
    data and their cost allows it.

    raises : DataError where there are no events
    """
    return [name for name, spec in _affordable(data).items() if not not_installed(spec)]


def _affordable(data: Dataset) -> dict[str, ModelSpec]:
    """The models that would be trained by default if every extra were installed."""
    _some_events(data)
    available, size = AvailableData.of(data), Size.of(data)
    return {
        name: spec
        for name, spec in models().items()
        if spec.tried_by_default(times=data.time is not None)
        and not ("events" in spec.wants and "events" in available.lacks)
        and spec.cost.too_much(size) is None
        and not any(need in available.lacks for need in spec.needs)
        and MODELS.broken(name) is None
        and too_large(name, spec, data.n_items) is None
    }


def checked_models(data: Dataset, names: Sequence[str]) -> list[str]:
    """The named models; DataError where one of them cannot be trained on this data."""
    _some_events(data)
    available = AvailableData.of(data)
    for name in names:
        if (reason := refusal(name, available, data)) is not None:
            raise DataError(f"The model '{name}' does not fit this data: {reason} `foretaste check` lists what does.")
    return list(names)


def not_installed_defaults(data: Dataset) -> tuple[str, ...]:
    """A sentence for each extra whose models would be tried by default if it were installed."""
    by_extra: dict[str, list[str]] = {}
    for name, spec in _affordable(data).items():
        if spec.extra and not_installed(spec):
            by_extra.setdefault(spec.extra, []).append(name)
    return tuple(
        f"Not tried, because the extra '{extra}' is not installed: {', '.join(names)}. "
        f"Try: pip install 'foretaste[{extra}]'."
        for extra, names in by_extra.items()
    )


def _some_events(data: Dataset) -> None:
    if not len(data):
        raise DataError("There are no events to learn from.")


def too_large(name: str, spec: ModelSpec, n_items: int) -> str | None:
    """Where a model of the core refuses a catalogue of this size by its setting max_items."""
    if spec.extra is not None:
        return None  # reading one number would import all its packages
    try:
        limit = getattr(model_class(name).config_class(), "max_items", None)
    except (ConfigError, UnknownNameError) as error:  # of another package, and broken
        return str(error)
    if limit is None or n_items <= limit:
        return None
    return f"{n_items:,} items are more than its max_items of {limit:,}."


def not_installed(spec: ModelSpec) -> str | None:
    """Which packages of its extra are missing, and how to install them; None where all are there."""
    missing = _missing(spec.extra) if spec.extra else ()
    return f"it needs {', '.join(missing)}: pip install 'foretaste[{spec.extra}]'." if missing else None


@cache
def _missing(extra: str) -> tuple[str, ...]:
    """Packages of an extra that are not installed, according to foretaste's own metadata."""
    try:
        requirements: Iterable[str] = requires("foretaste") or ()
    except PackageNotFoundError:  # run from a folder without an installation
        return ()
    names = []
    for line in requirements:
        requirement, _, marker = line.partition(";")
        if f"extra == '{extra}'" in marker.replace('"', "'"):
            names += re.findall(r"^[\w.-]+", requirement)
    return tuple(name for name in names if not _is_installed(name))


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
