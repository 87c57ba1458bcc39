"""Histories changed a little each time they are learned from, so that a network does not learn them by heart.

Crop, mask, reorder (Xie et al., ICDE 2022: CL4SRec), substitution by similar items (Liu et al. 2021: CoSeRec) and
dropout of events, on batches of ragged rows. Every choice is drawn by the generator handed in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from foretaste.types import History

if TYPE_CHECKING:
    from foretaste.training.config import AugmentConfig
    from foretaste.types import BoolArray, IntArray

MIN_EVENTS = 2
"""Events a row keeps: one to read, one to ask for."""


def augmented(history: History, config: AugmentConfig, rng: np.random.Generator) -> History:
    """The histories that are learned from, targets and all: cropped, thinned, reordered.

    history : rows of MIN_EVENTS events or more; the answer has as many rows, each of MIN_EVENTS events or more
    """
    if config.crop:
        history = history.where(cropped(history, config.crop, config.crop_keeps, rng))
    if config.drop:
        history = history.where(dropped(history, config.drop, rng))
    if config.reorder:
        history = reordered(history, config.reorder, config.reorder_share, rng)
    return history


def cropped(history: History, chance: float, keeps: float, rng: np.random.Generator) -> BoolArray:
    """(L,) what remains when a row is, with this chance, cut to a part drawn evenly, `keeps` of its length long."""
    lengths = history.lengths
    kept = np.maximum(MIN_EVENTS, np.ceil(lengths * keeps).astype(np.int64))
    kept = np.where(rng.random(len(lengths)) < chance, np.minimum(kept, lengths), lengths)
    start = history.offsets[:-1] + rng.integers(0, lengths - kept + 1)
    row = history.row_of_event()
    event = np.arange(len(history.items))
    return (event >= start[row]) & (event < (start + kept)[row])


def dropped(history: History, chance: float, rng: np.random.Generator) -> BoolArray:
    """(L,) what remains when each event is left out with this chance; a row that lost too much stays whole."""
    keep = rng.random(len(history.items)) >= chance
    row = history.row_of_event()
    enough = np.bincount(row[keep], minlength=len(history)) >= MIN_EVENTS
    return keep | ~enough[row]


def reordered(history: History, chance: float, share: float, rng: np.random.Generator) -> History:
    """With this chance, `share` of a row, side by side, is put in another order; the times stay where they are."""
    lengths = history.lengths
    long = np.ceil(lengths * share).astype(np.int64)
    start = history.offsets[:-1] + rng.integers(0, lengths - long + 1)
    row = history.row_of_event()
    event = np.arange(len(history.items))
    moved = (rng.random(len(lengths)) < chance)[row] & (event >= start[row]) & (event < (start + long)[row])
    # Places are drawn anew within the moved run: sorting (row, key) leaves all else where it was.
    key = np.where(moved, start[row] + rng.random(len(event)) * long[row], event.astype(np.float64))
    order = np.lexsort((key, row))
    return History(history.items[order], history.offsets, history.time, history.kind[order], history.value[order])


def substituted(history: History, chance: float, similar: IntArray | None, rng: np.random.Generator) -> History:
    """With this chance, each event is of an item like its own; of one that nothing is like, nothing changes.

    similar : (n_items, S) codes of the items most like each, the likest first, −1 where there are fewer
    """
    if not chance or similar is None:
        return history
    events = np.flatnonzero(rng.random(len(history.items)) < chance)
    of_each = similar[history.items[events]]
    count = (of_each >= 0).sum(axis=1)
    drawn = np.minimum((rng.random(len(events)) * count).astype(np.int64), np.maximum(count - 1, 0))
    items = history.items.copy()
    items[events] = np.where(count > 0, of_each[np.arange(len(events)), drawn], items[events])
    return replace(history, items=items)


def masked(history: History, chance: float, mask: int | None, rng: np.random.Generator) -> History:
    """With this chance, each event is of the item `mask`, which stands for any; its time and kind are still known."""
    if not chance or mask is None:
        return history
    hidden = rng.random(len(history.items)) < chance
    return replace(history, items=np.where(hidden, mask, history.items).astype(history.items.dtype))
