"""What goes into a stage cannot be changed by it, and what comes out is looked at before anybody relies on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.types import Candidates, Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.protocols import Stage
    from foretaste.types import Queries


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same values; to write into it is an error."""
    view = array.view()
    view.flags.writeable = False
    return view


def protected(candidates: Candidates) -> Candidates:
    """Candidates that a stage can read and not change in place."""
    return replace(
        candidates,
        items=read_only(candidates.items),
        scores=read_only(candidates.scores),
        found_by=read_only(candidates.found_by),
        ranks=read_only(candidates.ranks),
    )


def protected_rows(rows: Ragged) -> Ragged:
    """Rows of items that a stage can read and not change in place."""
    return Ragged(read_only(rows.items), rows.offsets)


def extra_of(stage: Stage, queries: Queries, n: int) -> int:
    """How many more candidates than n a stage wants, at least 0; TypeError where it is no whole number."""
    extra = stage.extra(queries, n)
    if not isinstance(extra, int | np.integer):
        raise TypeError(f"extra() gave {extra!r}; it has to give a whole number")
    return max(0, int(extra))


def checked(result: Any, queries: Queries, n_items: int) -> Candidates:
    """The result of a stage; TypeError or ValueError where it cannot be a list for each query.

    n_items : items of the catalogue
    """
    if not isinstance(result, Candidates):
        raise TypeError(f"a stage gives Candidates, and this one gave {type(result).__name__}")
    items = result.items
    if items.ndim != 2 or len(items) != len(queries) or not np.issubdtype(items.dtype, np.integer):
        raise ValueError(f"items have shape {items.shape} and type {items.dtype}; ({len(queries)}, K) codes are needed")
    sources = (*items.shape, len(result.sources))
    if result.scores.shape != items.shape or result.found_by.shape != sources or result.ranks.shape != sources:
        raise ValueError("scores, found_by and ranks do not have the shape of the items")
    if any(column.shape[:2] != items.shape for column in result.columns.values()):
        raise ValueError("a column does not have the shape of the items")
    if items.size and (items.max() >= n_items or items.min() < -1):
        raise ValueError(f"an item has a code outside of the catalogue of {n_items}")
    return result
