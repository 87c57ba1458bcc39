"""Whether a question fits the model that is asked: said in a sentence, before an array is read beyond its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import DataError
from foretaste.types import Ragged

if TYPE_CHECKING:
    from foretaste.types import BoolArray, Queries


def check_queries(queries: Queries, n_items: int, exclude: Ragged | None = None) -> None:
    """DataError where a history or `exclude` has other rows than the question, or items the model cannot know."""
    check_rows(queries.history, len(queries), "histories")
    _check_items(queries.history, n_items, "histories")
    if exclude is not None and exclude is not queries.history:
        if not isinstance(exclude, Ragged):
            kind = type(exclude).__name__
            raise DataError(f"exclude is a {kind}; give foretaste.types.Ragged.from_rows(…), a row of codes each.")
        check_rows(exclude, len(queries), "rows of exclude")
        _check_items(exclude, n_items, "exclude")


def check_rows(rows: Ragged, n: int, what: str) -> None:
    if len(rows) != n:
        raise DataError(f"There are {len(rows)} {what} for {n} questions; give one row for each.")


def checked_mask(allowed: BoolArray | None, n_items: int) -> BoolArray | None:
    """(n_items,) the filter as it was given; DataError for codes or numbers, which would allow something else."""
    if allowed is None:
        return None
    mask = np.asarray(allowed)
    if mask.dtype != np.bool_ or mask.shape != (n_items,):
        raise DataError(
            f"allowed is an array of {mask.dtype} of the shape {mask.shape}; "
            f"give ({n_items},) of bool, true at the code of every item that may be offered."
        )
    return mask


def _check_items(rows: Ragged, n_items: int, where: str) -> None:
    if not len(rows.items):
        return
    least, most = int(rows.items.min()), int(rows.items.max())
    if least < 0 or most >= n_items:
        code = least if least < 0 else most
        raise DataError(
            f"{where} holds the code {code}, and items have codes from 0 to {n_items - 1}; "
            "`data.items.ids.codes` says -1 of an item it does not know: leave those out."
        )
