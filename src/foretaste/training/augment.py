"""Sequence augmentation: histories are perturbed anew each epoch, against overfitting.

Crop, mask, reorder (Xie et al., ICDE 2022: CL4SRec), substitution by similar items (Liu et al. 2021: CoSeRec) and
dropout of events, on batches of ragged rows. Every random choice is drawn from the generator passed in.
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
"""Events a row keeps at least: one input and one target."""


def augmented(history: History, config: AugmentConfig, rng: np.random.Generator) -> History:
    """Crop, drop and reorder whole histories, inputs and targets.

    history : rows of MIN_EVENTS events or more; so has the result, with as many rows
    """
    if config.crop:
        history = history.where(cropped(history, config.crop, config.crop_keeps, rng))
    if config.drop:
        history = history.where(dropped(history, config.drop, rng))
    if config.reorder:
        history = reordered(history, config.reorder, config.reorder_share, rng)
    return history


def cropped(history: History, chance: float, keeps: float, rng: np.random.Generator) -> BoolArray:
    """(L,) bool, events kept when each row is cut, with probability `chance`, to a window of `keeps` its length."""
    lengths = history.lengths
    kept = np.maximum(MIN_EVENTS, np.ceil(lengths * keeps).astype(np.int64))
    kept = np.where(rng.random(len(lengths)) < chance, np.minimum(kept, lengths), lengths)
    start = history.offsets[:-1] + rng.integers(0, lengths - kept + 1)
    row = history.row_of_event()
    event = np.arange(len(history.items))
    return (event >= start[row]) & (event < (start + kept)[row])


def dropped(history: History, chance: float, rng: np.random.Generator) -> BoolArray:
    """(L,) bool, events kept when each is dropped with probability `chance`; a row left too short stays whole."""
    keep = rng.random(len(history.items)) >= chance
    row = history.row_of_event()
    enough = np.bincount(row[keep], minlength=len(history)) >= MIN_EVENTS
    return keep | ~enough[row]


def reordered(history: History, chance: float, share: float, rng: np.random.Generator) -> History:
    """With probability `chance`, a random window of `share` of the row is shuffled; times stay in place."""
    lengths = history.lengths
    long = np.ceil(lengths * share).astype(np.int64)
    start = history.offsets[:-1] + rng.integers(0, lengths - long + 1)
    row = history.row_of_event()
    event = np.arange(len(history.items))
    moved = (rng.random(len(lengths)) < chance)[row] & (event >= start[row]) & (event < (start + long)[row])
    # New positions are drawn within the shuffled window: sorting by (row, key) leaves all other events in place.
    key = np.where(moved, start[row] + rng.random(len(event)) * long[row], event.astype(np.float64))
    order = np.lexsort((key, row))
    return History(history.items[order], history.offsets, history.time, history.kind[order], history.value[order])


def substituted(history: History, chance: float, similar: IntArray | None, rng: np.random.Generator) -> History:
    """Each event's item is replaced, with probability `chance`, by one of its similar items, if it has any.

    similar : (n_items, S) codes of the most similar items, the most similar first, −1 as padding
    """
    if not chance or similar is None:
        return history
    events = np.flatnonzero(rng.random(len(history.items)) < chance)
    neighbours = similar[history.items[events]]
    count = (neighbours >= 0).sum(axis=1)
    drawn = np.minimum((rng.random(len(events)) * count).astype(np.int64), np.maximum(count - 1, 0))
    items = history.items.copy()
    items[events] = np.where(count > 0, neighbours[np.arange(len(events)), drawn], items[events])
    return replace(history, items=items)


def masked(history: History, chance: float, mask: int | None, rng: np.random.Generator) -> History:
    """Each event's item is replaced, with probability `chance`, by the code `mask`; its time and kind stay."""
    if not chance or mask is None:
        return history
    hidden = rng.random(len(history.items)) < chance
    return replace(history, items=np.where(hidden, mask, history.items).astype(history.items.dtype))
