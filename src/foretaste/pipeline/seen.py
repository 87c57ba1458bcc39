"""What must not be offered again: the items a person did something final to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.index.input_checks import check_rows
from foretaste.types import Ragged

if TYPE_CHECKING:
    from foretaste.types import BoolArray, History


def hidden_items(history: History, hides: BoolArray) -> Ragged:
    """B rows of the items whose kind hides them (bought hides, viewed may return).

    hides : (n_kinds,) bool
    """
    keep = hides[history.kind]
    return Ragged(history.items, history.offsets) if keep.all() else Ragged.where(history, keep)


def joined(first: Ragged, second: Ragged | None) -> Ragged:
    """Row by row, the items of both."""
    if second is None:
        return first
    check_rows(second, len(first), "rows of exclude")
    row = np.concatenate([first.row_of_event(), second.row_of_event()])
    order = np.argsort(row, kind="stable")
    return Ragged(np.concatenate([first.items, second.items])[order], first.offsets + second.offsets)
