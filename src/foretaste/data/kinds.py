"""The open table of event kinds: what a view, a purchase or a dislike says about a person's taste."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from foretaste.config import Config
from foretaste.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from foretaste.types import BoolArray, FloatArray


class EventKind(Config):
    name: str
    sign: Literal[-1, 1] = 1
    """1: the person wants it; −1: the person does not."""
    weight: float = 1.0
    """How loudly it speaks, beside the other kinds."""
    half_life_days: float | None = None
    """Age at which it speaks half as loudly; None never fades."""
    hides_item: bool = True
    """Whether an item it was done to is no longer offered (bought hides, viewed may return)."""


class Kinds:
    """The event kinds of one project; a kind's code is its row.

    weights : (n_kinds,) float32, sign x weight
    hides   : (n_kinds,) bool
    """

    def __init__(self, kinds: Iterable[EventKind]) -> None:
        self.kinds = tuple(kinds)
        self._code = {kind.name: code for code, kind in enumerate(self.kinds)}
        if not self.kinds or len(self._code) != len(self.kinds) or len(self.kinds) > 255:
            raise DataError("A table of event kinds needs 1 to 255 kinds with different names.")

    def __len__(self) -> int:
        return len(self.kinds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kinds) and self.kinds == other.kinds

    def __hash__(self) -> int:
        return hash(self.kinds)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(kind.name for kind in self.kinds)

    def code(self, name: str) -> int:
        if (code := self._code.get(name)) is None:
            raise DataError(f"No event kind is called '{name}'.{did_you_mean(name, self._code)}")
        return code

    @cached_property
    def weights(self) -> FloatArray:
        return np.array([kind.sign * kind.weight for kind in self.kinds], np.float32)

    @cached_property
    def usual(self) -> int:
        """Code of the first kind that says somebody wanted the item: what an event means that names no kind."""
        return int(np.argmax(self.weights > 0))

    @cached_property
    def hides(self) -> BoolArray:
        return np.array([kind.hides_item for kind in self.kinds])

    def hiding(self, names: Collection[str]) -> Kinds:
        """This table, but what these kinds were done to is no longer offered, and what the others were may return."""
        return Kinds(kind.model_copy(update={"hides_item": kind.name in names}) for kind in self.kinds)

    def with_names(self, names: Iterable[str]) -> Kinds:
        """This table and, behind it, kinds it has not seen yet, with their usual meaning where they have one."""
        new = dict.fromkeys(name for name in names if name not in self._code)
        return Kinds([*self.kinds, *(USUAL.get(name, EventKind(name=name)) for name in new)]) if new else self


RATING, DISLIKE, SHOWN = "rating", "dislike", "shown"
USUAL = {
    kind.name: kind
    for kind in (
        EventKind(name=SHOWN, weight=0, hides_item=False),
        EventKind(name="view", hides_item=False),
        EventKind(name="click", hides_item=False),
        EventKind(name="search", hides_item=False, weight=0.5),
        EventKind(name="cart", weight=2, hides_item=False),
        EventKind(name="buy", weight=3),
        EventKind(name=RATING),
        EventKind(name="like", weight=2),
        EventKind(name="favourite", weight=2),
        EventKind(name="share", weight=2, hides_item=False),
        EventKind(name="comment", weight=2, hides_item=False),
        EventKind(name="watch"),
        EventKind(name="listen", hides_item=False),
        EventKind(name=DISLIKE, sign=-1, weight=2),
        EventKind(name="less", sign=-1),  # "less of this", said of a recommendation
        EventKind(name="skip", sign=-1, weight=0.5, hides_item=False),
    )
}
"""What common kinds usually mean; a project's own table overrides it."""


def usual_kinds(names: Iterable[str]) -> Kinds:
    """A table of these kinds, each with its usual meaning; a plain interaction where none is named."""
    found = [USUAL.get(name, EventKind(name=name)) for name in dict.fromkeys(names)]
    return Kinds(found or [EventKind(name="interaction")])
