"""What must not be offered again: the items a person did something final to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.index.input_checks import check_rows
from foretaste.types import NO_ITEM, Ragged

if TYPE_CHECKING:
    from foretaste.types import BoolArray, Candidates, History, IntArray


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


def masked(candidates: Candidates, exclude: Ragged, allowed: BoolArray | None) -> Candidates:
    """Only the candidates that may be offered: not excluded from their list, allowed at all, and each once.

    exclude : B rows of items
    allowed : (n_items,); None allows all
    """
    keep = candidates.items != NO_ITEM
    if allowed is not None:
        keep &= allowed[candidates.items]
    if len(exclude.items):
        width = int(max(exclude.items.max(), candidates.items.max(initial=0))) + 1
        out = np.unique(exclude.row_of_event().astype(np.int64) * width + exclude.items)
        mine = np.arange(len(candidates), dtype=np.int64)[:, None] * width + candidates.items
        place = np.minimum(np.searchsorted(out, mine), len(out) - 1)
        keep &= (out[place] != mine) | (candidates.items == NO_ITEM)
    keep &= first_of_each(candidates.items)
    return candidates if keep.all() else candidates.keep(keep)


def first_of_each(groups: IntArray) -> BoolArray:
    """(B, K) true for the first of every number in its row; −1 is a number of its own each time."""
    B, K = groups.shape
    width = int(groups.max(initial=0)) + 1
    keep = (groups < 0).ravel()
    keys = (np.arange(B, dtype=np.int64)[:, None] * width + groups).ravel()
    places = np.flatnonzero(~keep)
    _, first = np.unique(keys[places], return_index=True)
    keep[places[first]] = True
    return keep.reshape(B, K)
