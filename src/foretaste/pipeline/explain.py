"""One checkable reason per item: what the person did that speaks most for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from foretaste.pipeline.growth import of_known
from foretaste.protocols import ColumnExplainer, Explainer
from foretaste.registry import FALLBACK, NEW
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from foretaste.types import Candidates, FloatArray, IntArray, Queries


WITHOUT_HISTORY: Mapping[str, Literal["popular", "new"]] = {FALLBACK: "popular", NEW: "new"}
"""Why an item is there that a source placed without regard to what the person did."""


class Reason(NamedTuple):
    kind: Literal["because", "people", "popular", "new", "found"]
    """because: of something the person did. people: with people who say the same of themselves. popular: with
    everyone. new: since it came after the training. found: by a source that cannot say why."""
    item: int
    """Code of what the person did, NO_ITEM where it is nothing they did."""
    share: float
    """Its part of all that speaks for the item, 0 to 1."""
    source: str
    """The model that says so: the one that placed the item where it stands."""
    said: str | None = None
    """What they say of themselves (people): 'occupation student'."""


def explain(
    queries: Queries,
    candidates: Candidates,
    parts: Mapping[str, object],
    weights: Mapping[str, float],
    kind_weight: FloatArray,
    *,
    per_item: int = 3,
    known: Mapping[str, int] | None = None,
) -> list[list[list[Reason]]]:
    """For each query and each item up to `per_item` reasons, the strongest first.

    parts   : source name to the model behind it
    weights : source name to its weight in the merge; the source with the largest say about an item explains it
    known   : source name to the number of items it knows, where it does not know all
    """
    return [
        _explain_one(
            # What a person disliked cannot be why.
            _distinct(queries.history.row(b)[kind_weight[_kinds(queries, b)] > 0]),
            queries,
            candidates,
            b,
            parts,
            weights,
            per_item,
            known or {},
        )
        for b in range(len(candidates))
    ]


def _explain_one(
    history: IntArray,
    queries: Queries,
    candidates: Candidates,
    b: int,
    parts: Mapping[str, object],
    weights: Mapping[str, float],
    per_item: int,
    known: Mapping[str, int],
) -> list[list[Reason]]:
    items = candidates.items[b]
    items = items[items != NO_ITEM]
    say = _say(candidates.ranks[b, : len(items)], candidates.sources, weights)
    speaker = say.argmax(axis=1) if say.size else np.zeros(len(items), int)
    reasons: list[list[Reason]] = [[] for _ in items]
    for s in np.unique(speaker):
        name = candidates.sources[s]
        mine = np.flatnonzero(speaker == s)
        part = parts.get(name)
        did = history if name not in known else history[history < known[name]]
        if isinstance(part, Explainer) and len(did):
            speaks = np.maximum(part.contributions(did, items[mine]), 0)  # (k, H)
            strongest = np.argsort(-speaks, axis=1, kind="stable")[:, :per_item]
            shares = speaks / np.maximum(speaks.sum(axis=1, keepdims=True), 1e-12)
            for row, k in enumerate(mine):
                reasons[k] = [
                    Reason("because", int(did[h]), float(shares[row, h]), name)
                    for h in strongest[row]
                    if speaks[row, h] > 0
                ]
        if isinstance(part, ColumnExplainer):
            asked = queries.take(np.array([b]))
            if name in known:
                asked = replace(asked, history=of_known(asked.history, known[name]))
            said = part.because_of_columns(asked, items[mine])
            for k, columns in zip(mine, said, strict=True):
                reasons[k] = [Reason("people", NO_ITEM, share, name, text) for text, share in columns[:per_item]]
                reasons[k] = reasons[k] or [Reason("popular", NO_ITEM, 1.0, name)]  # nothing but that sets it apart
        for k in mine:
            reasons[k] = reasons[k] or [Reason(WITHOUT_HISTORY.get(name, "found"), NO_ITEM, 1.0, name)]
    return reasons


def _say(ranks: IntArray, sources: tuple[str, ...], weights: Mapping[str, float]) -> FloatArray:
    """(K, S) how much each source had to do with each item standing where it stands."""
    weight = np.array([weights.get(name, 1e-6) for name in sources])
    return np.where(ranks > 0, weight / np.maximum(ranks, 1), 0)


def _distinct(history: IntArray) -> IntArray:
    """Each item once, where it came last: a thing done twice is one reason."""
    _, from_end = np.unique(history[::-1], return_index=True)
    return history[np.sort(len(history) - 1 - from_end)]


def _kinds(queries: Queries, b: int) -> NDArray[np.uint8]:
    history = queries.history
    return history.kind[history.offsets[b] : history.offsets[b + 1]]
