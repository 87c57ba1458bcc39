"""What to ask somebody new: items and labels whose choice tells most, of the catalogue that people see now."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from threading import TIMEOUT_MAX, Lock, Thread
from threading import Event as Signal
from typing import TYPE_CHECKING

from foretaste.api import Onboarding
from foretaste.models.content.onboarding import NO_ITEMS, ItemPicker
from foretaste.registry import model_spec
from foretaste.serving.answering.liked_labels import stand_ins_of
from foretaste.serving.telemetry.logs import where
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.models.content.labels import Labels
    from foretaste.protocols import Scorer
    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.world.catalogue import Catalogue
    from foretaste.serving.world.world import World
    from foretaste.types import BoolArray

log = logging.getLogger("foretaste.serving")
PATIENCE = 1.0
"""Seconds that questions wait until the items of a bundle are compared; until then, what is popular is shown."""
ANSWERS_KEPT = 1_000
"""Of labels: the first screen is the same for everybody."""


@dataclass(eq=False)
class _Table:
    """catalogue : of which the items are
    plain     : picks by popularity alone, at once
    picker    : the real ones, as soon as they are there
    labels    : by how many were asked, and which were chosen: the next ones
    """

    catalogue: Catalogue
    plain: ItemPicker
    picker: ItemPicker | None = None
    labels: dict[tuple[int, tuple[str, ...]], list[str]] = field(default_factory=dict)
    done: Signal = field(default_factory=Signal)
    begun: float = field(default_factory=time.monotonic)


class OnboardingDesk:
    """Thread-safe. The first question of a bundle has its well-known items compared, in a thread of its own, which
    takes a moment for small catalogues and seconds for large ones; every other question finds them compared."""

    def __init__(self, engine: Engine, patience: float = PATIENCE) -> None:
        self._engine = engine
        self._patience = patience
        self._lock = Lock()
        self._table: _Table | None = None

    def ask(
        self,
        items: int = 12,
        labels: int = 8,
        *,
        chosen: Sequence[str] = (),
        seen: Sequence[str] = (),
        likes: Sequence[str] = (),
    ) -> Onboarding:
        """So many items and labels to show next; DataError for a label that nothing has.

        chosen, seen : items they chose and passed over so far; what no model knows is named in `ignored`
        likes        : labels they chose so far
        """
        world = self._engine.world
        catalogue = world.catalogue
        config = self._engine.config
        column = catalogue.likes(config.likes_column)
        allowed = world.allowed_of_bundle({})
        liked = NO_ITEMS if not likes else stand_ins_of(likes, world, config)[0]
        table = self._of(world)
        picker = table.picker or table.plain
        taken, passed = (codes[codes != NO_ITEM] for codes in (catalogue.codes(chosen), catalogue.codes(seen)))
        picks = picker.pick(items, taken, passed, liked, allowed)
        known = catalogue.code_of
        return Onboarding.model_construct(
            version=world.version,
            items=world.items(picks.tolist()),
            labels=[] if column is None else _next_labels(table, column[1], labels, tuple(likes)),
            column=None if column is None else column[0],
            ignored=[item for item in dict.fromkeys([*chosen, *seen]) if item not in known],
            degraded=world.partial or picker is not table.picker,
        )

    def _of(self, world: World) -> _Table:
        """The table of this bundle; made anew where most of its items have been hidden or deleted since."""
        allowed = world.allowed_of_bundle({})
        with self._lock:
            table = self._table
            if table is None or table.catalogue is not world.catalogue or _worn(table.plain, allowed):
                popularity = world.catalogue.popularity
                people = world.catalogue.bundle.manifest.data.users
                table = self._table = _Table(world.catalogue, ItemPicker.of((), popularity, people, allowed))
                if world.partial:
                    table.done.set()
                else:
                    task = (table, asked_models(world), people, allowed)
                    Thread(target=_compare, args=task, name="foretaste-onboarding", daemon=True).start()
        # However many ask meanwhile, threads that wait are threads that do not answer others.
        table.done.wait(max(0.0, min(table.begun + self._patience - time.monotonic(), TIMEOUT_MAX)))
        return table


def asked_models(world: World) -> list[Scorer]:
    """The sources that can say which items go with which; none where the bundle has only what is popular."""
    recalls = world.catalogue.bundle.pipeline.recalls or {}
    return [model for name, model in recalls.items() if model_spec(name).relates_by != "nothing"]


def _next_labels(table: _Table, of: Labels, n: int, likes: tuple[str, ...]) -> list[str]:
    if (found := table.labels.get((n, likes))) is None:
        found, _ = of.most_informative(n, likes)
        # What follows from the others for the catalogue does not for a person: one may like both halves.
        found += of.common(n - len(found), [*likes, *found])
        if len(table.labels) >= ANSWERS_KEPT:
            table.labels.clear()
        table.labels[n, likes] = found
    return found


def _worn(picker: ItemPicker, allowed: BoolArray | None) -> bool:
    return allowed is not None and 2 * int(allowed[picker.items].sum()) < len(picker.items)


def _compare(table: _Table, models: Sequence[Scorer], people: int, allowed: BoolArray | None) -> None:
    try:
        kind = table.catalogue.bundle.kinds.usual
        table.picker = ItemPicker.of(models, table.catalogue.popularity, people, allowed, kind=kind)
    except Exception as error:
        log.error(
            "New people are asked about what is popular: %s.", type(error).__name__, extra={"where": where(error)}
        )
    finally:
        table.done.set()
