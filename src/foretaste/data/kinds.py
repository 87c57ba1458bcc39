"""Event kinds (view, buy, dislike, ...): sign, weight and half-life as feedback; projects may define further kinds."""

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
    """1: positive feedback; −1: negative feedback."""
    weight: float = 1.0
    """Weight as feedback, relative to the other kinds; 0 for what is no feedback, as an impression."""
    half_life_days: float | None = None
    """Age at which the weight of an event is halved; None for no decay."""
    hides_item: bool = True
    """Whether the item is not recommended to the user again after it (buy hides, view does not)."""


class Kinds:
    """The event kinds of one project; the code of a kind is its row.

    weights : (n_kinds,) float32, sign x weight
    hides   : (n_kinds,) bool, whether an event of the kind hides its item
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
        """Code of the first positive kind, which an event without a kind is taken for."""
        return int(np.argmax(self.weights > 0))

    @cached_property
    def hides(self) -> BoolArray:
        return np.array([kind.hides_item for kind in self.kinds])

    def hiding(self, names: Collection[str]) -> Kinds:
        """The same table, where exactly these kinds hide their items."""
        return Kinds(kind.model_copy(update={"hides_item": kind.name in names}) for kind in self.kinds)

    def with_names(self, names: Iterable[str]) -> Kinds:
        """The same table with unknown kinds appended, with their usual meaning if they have one."""
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
        EventKind(name="less", sign=-1),  # "less of this", as feedback on a recommendation
        EventKind(name="skip", sign=-1, weight=0.5, hides_item=False),
    )
}
"""The usual meaning of common kinds; a project's own table overrides it."""


def usual_kinds(names: Iterable[str]) -> Kinds:
    """A table of these kinds with their usual meaning; the kind `interaction` alone for no names."""
    found = [USUAL.get(name, EventKind(name=name)) for name in dict.fromkeys(names)]
    return Kinds(found or [EventKind(name="interaction")])
