"""A catalogue that has grown since the training: what each part of a pipeline may be asked about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from foretaste.types import Ragged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from foretaste.types import BoolArray, Queries

RowsT = TypeVar("RowsT", bound=Ragged)


@dataclass(frozen=True, eq=False)
class Growth:
    """trained : items that were learned from; codes from there on are new items
    n_items : items of the catalogue
    known   : recall to the number of items it knows, of those that have read new ones; the others know `trained`
    placed  : a stage alone puts new items into lists
    """

    trained: int
    n_items: int
    known: Mapping[str, int]
    placed: bool
    _old: dict[int, BoolArray] = field(default_factory=dict)

    def limits(self, names: Iterable[str]) -> dict[str, int]:
        """How many items each of these recalls knows."""
        return {name: self.known.get(name, self.trained) for name in names}

    def offered(self, allowed: BoolArray | None, n: int) -> BoolArray | None:
        """(n,) what a recall of n items may offer; None for all of them."""
        if n > self.trained and self.placed:
            if (old := self._old.get(n)) is None:
                old = self._old[n] = np.arange(n) < self.trained
            return old if allowed is None else allowed[:n] & old
        return None if allowed is None else allowed[:n]


class Question(NamedTuple):
    """Arguments of `recommend`."""

    queries: Queries
    exclude: Ragged
    allowed: BoolArray | None


class Asked:
    """A question put to every recall of a pipeline: to each about the items it knows."""

    def __init__(self, growth: Growth | None, queries: Queries, exclude: Ragged, allowed: BoolArray | None) -> None:
        self._growth = growth
        self._whole = Question(queries, exclude, allowed)
        self._of: dict[int, Question] = {}

    def of(self, name: str | None) -> Question:
        """What a recall is asked; None for the fallback."""
        growth = self._growth
        if growth is None:
            return self._whole
        n = growth.trained if name is None else growth.known.get(name, growth.trained)
        if n not in self._of:
            queries, exclude, allowed = self._whole
            history = of_known(queries.history, n)
            some = queries if history is queries.history else replace(queries, history=history)
            self._of[n] = Question(some, of_known(exclude, n), growth.offered(allowed, n))
        return self._of[n]


def of_known(rows: RowsT, n: int) -> RowsT:
    """Only the first n items; the very same rows where there are no others."""
    keep = rows.items < n
    return rows if keep.all() else rows.where(keep)  # type: ignore[return-value]  # `where` keeps the class
