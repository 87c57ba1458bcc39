"""Which models of the registry make sense for a data set, and why the others do not."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import TYPE_CHECKING

import numpy as np

from foretaste.data.checks.report import ModelFit
from foretaste.registry import model_class, models

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.registry import ModelSpec

ENOUGH_PEOPLE = 20
"""With fewer people of three events or more nothing can be learned from histories, nor measured."""
LEARNABLE = 3
MANY_EVENTS = 20_000
"""From here models that learn by many small steps begin to be worth their time; a rule of thumb."""
LONG_ENOUGH = 4
"""Median events of a user from which an order is worth learning."""
NEEDS: dict[str, tuple[str, ...]] = {
    "random": (),
    "popular": (),
    "trending": ("times",),
    "demographic": ("people", "columns"),
    "bridge": ("texts",),
    "content": ("texts",),
    "tfidf": ("texts",),
    "item2vec": ("people", "order"),
    "gru4rec": ("people", "events", "order"),
    "bert4rec": ("people", "events", "order"),
    "sasrec": ("people", "events", "order"),
    "hstu": ("people", "events", "order", "times"),
    "lightgcn": ("people", "events"),
    "two_tower": ("people", "events"),
}
"""What a model cannot do without; those not named learn from who took what."""


def model_fits(data: Dataset) -> tuple[ModelFit, ...]:
    """One line for every model in the registry, those of other packages too, in its order."""
    per_user = np.bincount(data.user, minlength=data.n_users)
    per_user = per_user[per_user > 0]
    people = int((per_user >= LEARNABLE).sum())
    median = float(np.median(per_user)) if len(per_user) else 0.0
    described = sum(1 for text in data.items.texts() if text)
    columns = [] if data.user_table is None else [name for name in data.user_table.columns if name != "user"]
    lacks = {
        "people": people < ENOUGH_PEOPLE
        and f"only {people} people have {LEARNABLE} events or more, and {ENOUGH_PEOPLE} are needed",
        "events": len(data) < MANY_EVENTS
        and f"{len(data):,} events are few for a model that learns in many small steps; it wants {MANY_EVENTS:,}",
        "order": median < LONG_ENOUGH and f"histories are short (median {median:g} events): no order to learn",
        "times": data.time is None and "the events have no times",
        "columns": not columns and "nothing is known of the people; name a file with --users",
        "texts": not described and "nothing is written about the items; name a file with --items",
    }
    has = {
        "people": f"{people:,} people to learn from",
        "events": f"{len(data):,} events",
        "order": f"histories of {median:g} events (median)",
        "times": "every event has a time",
        "columns": f"columns of people: {', '.join(columns)}",
        "texts": f"{described:,} of {data.n_items:,} items have words",
    }
    found = []
    for name, spec in models().items():
        needs = NEEDS.get(name, ("people",))
        missing = [lacks[need] for need in needs if lacks[need]]
        if missing:
            found.append(ModelFit(name=name, fits=False, reason=f"{missing[0]}."))
        elif said := too_large(name, spec, data.n_items) or not_installed(spec):
            found.append(ModelFit(name=name, fits=False, reason=said))
        else:
            reason = "; ".join(has[need] for need in needs) or "always, to compare with"
            found.append(ModelFit(name=name, fits=True, reason=f"{reason}."))
    return tuple(found)


def too_large(name: str, spec: ModelSpec, n_items: int) -> str | None:
    """Where a model of the core refuses a catalogue of this size by its setting max_items."""
    if spec.extra is not None:
        return None  # its packages would be imported for one number
    limit = getattr(model_class(name).config_class(), "max_items", None)
    if limit is None or n_items <= limit:
        return None
    return f"{n_items:,} items are more than its max_items of {limit:,}."


def not_installed(spec: ModelSpec) -> str | None:
    missing = _missing(spec.extra) if spec.extra else ()
    return f"it needs {', '.join(missing)}: pip install 'foretaste[{spec.extra}]'." if missing else None


@cache
def _missing(extra: str) -> tuple[str, ...]:
    """Packages of an extra that are not here, by what foretaste's own metadata say."""
    try:
        wanted = requires("foretaste") or []
    except PackageNotFoundError:  # run from a folder without an installation
        return ()
    names = []
    for line in wanted:
        need, _, marker = line.partition(";")
        if f"extra == '{extra}'" in marker.replace('"', "'"):
            names += re.findall(r"^[\w.-]+", need)
    return tuple(name for name in names if not _is_here(name))


def _is_here(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
