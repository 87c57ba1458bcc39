"""Checks of queries, `exclude` and `allowed` against the model, so that bad input raises DataError, not IndexError."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import DataError
from foretaste.types import Ragged

if TYPE_CHECKING:
    from foretaste.types import BoolArray, Queries


def check_queries(queries: Queries, n_items: int, exclude: Ragged | None = None) -> None:
    """DataError where `history` or `exclude` has not one row per query, or item codes outside 0 … n_items − 1."""
    check_rows(queries.history, len(queries), "histories")
    _check_items(queries.history, n_items, "histories")
    if exclude is not None and exclude is not queries.history:
        if not isinstance(exclude, Ragged):
            kind = type(exclude).__name__
            raise DataError(f"exclude is a {kind}; pass foretaste.types.Ragged.from_rows(…), one row per query.")
        check_rows(exclude, len(queries), "rows of exclude")
        _check_items(exclude, n_items, "exclude")


def check_rows(rows: Ragged, n: int, what: str) -> None:
    """DataError unless there are n rows; `what` names them in the message."""
    if len(rows) != n:
        raise DataError(f"There are {len(rows)} {what} for {n} queries; pass one row per query.")


def checked_mask(allowed: BoolArray | None, n_items: int) -> BoolArray | None:
    """(n_items,) bool, the mask `allowed` itself; DataError for item codes or a wrong shape, None for no filter."""
    if allowed is None:
        return None
    mask = np.asarray(allowed)
    if mask.dtype != np.bool_ or mask.shape != (n_items,):
        raise DataError(
            f"allowed is an array of {mask.dtype} of shape {mask.shape}; "
            f"pass a bool array of shape ({n_items},), true at the code of every item that may be recommended."
        )
    return mask


def _check_items(rows: Ragged, n_items: int, where: str) -> None:
    if not len(rows.items):
        return
    least, most = int(rows.items.min()), int(rows.items.max())
    if least < 0 or most >= n_items:
        code = least if least < 0 else most
        raise DataError(
            f"{where} contains the code {code}, and items have codes from 0 to {n_items - 1}; "
            "`data.items.ids.codes` returns -1 for an unknown item: leave those out."
        )
