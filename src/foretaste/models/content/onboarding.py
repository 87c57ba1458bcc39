"""What do you like? The few questions to a new person whose answers tell most: items to choose from, and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, FloatArray, IntArray

WELL_KNOWN = 300
"""Picks are among so many most popular items: nobody can say whether they like what they never heard of."""
CATALOGUE = 20_000
"""Most popular items that the picks shall stand for; the rest is hardly ever taken."""


def items_to_pick_from(
    popularity: FloatArray, vectors: FloatArray, n: int, allowed: BoolArray | None = None
) -> IntArray:
    """(≤ n,) well-known items, one for each part of the catalogue, the most telling first.

    Each next pick adds most to Σ_j popularity(j) · max over picks i of cosine(i, j): everything people take shall lie
    near a pick (facility location, Nemhauser et al. 1978: greedy is within 1 − 1/e of the best).

    popularity : (n_items,) people who took each item
    vectors    : (n_items, D) rows of length 1 of any model, 0 where it knows nothing
    allowed    : (n_items,) the only items that may be shown
    """
    usable = vectors.any(axis=1) & (popularity > 0)
    by_popularity = np.argsort(-popularity, kind="stable")
    stood_for = by_popularity[usable[by_popularity]][:CATALOGUE]
    may = usable if allowed is None else usable & allowed
    candidates = by_popularity[may[by_popularity]][:WELL_KNOWN]
    near = np.maximum(vectors[candidates] @ vectors[stood_for].T, 0)  # (C, N)
    weight = popularity[stood_for].astype(np.float64)
    covered = np.zeros(len(stood_for))
    picks: list[int] = []
    for _ in range(min(n, len(candidates))):
        gain = np.maximum(near - covered, 0) @ weight
        gain[[i for i, c in enumerate(candidates) if c in picks]] = -1
        best = int(np.argmax(gain))
        picks.append(int(candidates[best]))
        covered = np.maximum(covered, near[best])
    return np.array(picks, np.int32)


def labels_to_pick_from(
    labels: Sequence[Sequence[str] | None], n: int, popularity: FloatArray | None = None
) -> list[str]:
    """(≤ n,) labels that split the catalogue best, the most telling first.

    Each next label adds most to the entropy of the parts into which the chosen ones cut what people take, so that
    neither a label nearly everything has, nor one nearly nothing has, nor one that says the same again is asked for.

    labels     : (n_items,) of each item, as its genres
    popularity : (n_items,) how much each item counts; None counts all alike
    """
    weight = np.ones(len(labels)) if popularity is None else popularity.astype(np.float64)
    carriers: dict[str, list[int]] = {}
    for item, named in enumerate(labels):
        for label in dict.fromkeys(named or ()):
            carriers.setdefault(label, []).append(item)
    has = {label: np.isin(np.arange(len(labels)), items) for label, items in sorted(carriers.items())}
    part = np.zeros(len(labels), np.int64)
    chosen: list[str] = []
    told = 0.0
    while len(chosen) < n and has:
        entropies = {label: _entropy(2 * part + carried, weight) for label, carried in has.items()}
        best = max(entropies, key=lambda label: entropies[label])
        if entropies[best] <= told + 1e-9:
            break  # every further label follows from the chosen ones
        told = entropies[best]
        part = np.unique(2 * part + has.pop(best), return_inverse=True)[1]
        chosen.append(best)
    return chosen


def history_of_labels(
    chosen: Sequence[str], labels: Sequence[Sequence[str] | None], popularity: FloatArray, per_label: int = 3
) -> IntArray:
    """Items a person who chose these labels might have taken: the most popular with most of them, the best last.

    So a guest who only said what they like is answered as one with a history, by every model.
    """
    wanted = set(chosen)
    if unknown := wanted - {label for named in labels for label in named or ()}:
        raise DataError(f"No item has the label '{min(unknown)}'.")
    matching = np.array([len(wanted & set(named or ())) for named in labels])
    found: list[int] = []
    for label in chosen:
        carried = np.array([label in (named or ()) for named in labels])
        order = np.lexsort((np.arange(len(labels)), -popularity, -matching))
        found += [int(item) for item in order[carried[order]][:per_label]]
    return np.array(list(dict.fromkeys(found))[::-1], np.int32)


def popularity_of(train: Dataset) -> FloatArray:
    """(n_items,) different people who took each item."""
    popularity: FloatArray = np.asarray(train.matrix().sum(axis=0)).ravel().astype(np.float32)
    return popularity


def _entropy(part: np.ndarray, weight: np.ndarray) -> float:
    mass = np.bincount(np.unique(part, return_inverse=True)[1], weight)
    share = mass[mass > 0] / mass.sum() if mass.sum() else np.ones(1)
    return float(-(share * np.log2(share)).sum())
