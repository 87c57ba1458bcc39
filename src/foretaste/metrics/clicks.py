"""Metrics of click-through-rate prediction: ranking (AUC, GAUC), probabilities (log loss, calibration error).

scores  : (L,) predicted probabilities in [0, 1]; any real number for AUC and GAUC
clicked : (L,) labels, 0 or 1
All raise DataError where scores and labels do not pair up, a score is nan or a label is not 0 or 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.types import BoolArray, FloatArray, IntArray

    Numbers = FloatArray | NDArray[np.float64]
    Labels = BoolArray | NDArray[np.integer] | NDArray[np.floating]


def auc(scores: Numbers, clicked: Labels) -> float:
    """Probability that a click scores above a non-click, ties counted half; nan where all labels are equal."""
    scores, clicked = _checked(scores, clicked)
    return float(_auc_per_group(np.zeros(len(scores), np.int64), scores, clicked)[1][0])


def gauc(scores: Numbers, clicked: Labels, group: IntArray) -> float:
    """AUC within each group, weighted by the events of the group (Zhou et al., KDD 2018); nan where no group has one.

    group : (L,) user or session of each event; groups whose labels are all equal have no AUC and are left out
    """
    scores, clicked = _checked(scores, clicked)
    if group.shape != scores.shape:
        raise DataError(f"{len(scores):,} events came with {len(group):,} groups; give each event one.")
    _, dense = np.unique(group, return_inverse=True)
    size, per_group = _auc_per_group(dense.astype(np.int64), scores, clicked)
    defined = ~np.isnan(per_group)
    return float(np.average(per_group[defined], weights=size[defined])) if defined.any() else float("nan")


def log_loss(scores: Numbers, clicked: Labels) -> float:
    """Mean −log of the probability given to the label, in nats; probabilities are clipped to [1e-15, 1 − 1e-15]."""
    scores, clicked = _checked(scores, clicked, probabilities=True)
    given = np.clip(np.where(clicked, scores, 1 - scores), 1e-15, 1 - 1e-15)
    return float(-np.log(given).mean())


def expected_calibration_error(scores: Numbers, clicked: Labels, *, bins: int = 10) -> float:
    """ECE: mean absolute gap of predicted and observed click rate over `bins` equal-width bins of the prediction.

    Bins are weighted by their events (Naeini et al., AAAI 2015). 0 is perfect; a prediction of 1.0 is in the last bin.
    """
    if bins < 1:
        raise DataError(f"Calibration needs at least one step, and bins is {bins}; 10 is usual.")
    scores, clicked = _checked(scores, clicked, probabilities=True)
    step = np.minimum((scores * bins).astype(np.int64), bins - 1)
    gap = np.bincount(step, scores - clicked, minlength=bins)
    return float(np.abs(gap).sum() / len(scores))


def _checked(
    scores: Numbers, clicked: Labels, *, probabilities: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if scores.shape != clicked.shape or scores.ndim != 1 or not len(scores):
        raise DataError(
            f"Scores of shape {scores.shape} and clicks of shape {clicked.shape} do not pair up; "
            "give one of each per event."
        )
    if np.isnan(scores).any():
        raise DataError(
            f"{int(np.isnan(scores).sum()):,} of {len(scores):,} events have no score (nan); fill them first."
        )
    if not np.isin(clicked, (0, 1)).all():
        raise DataError("Clicks must be 0 or 1; turn ratings into clicks with a threshold first.")
    if probabilities and not ((scores >= 0) & (scores <= 1)).all():
        raise DataError("Probabilities must lie in [0, 1]; pass the scores through a sigmoid first.")
    return scores.astype(np.float64), clicked.astype(np.bool_)


def _auc_per_group(
    group: NDArray[np.int64], scores: NDArray[np.float64], clicked: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(G,) events and (G,) AUC of each group 0 … G−1, nan for groups with equal labels (Mann–Whitney U, mid-ranks)."""
    order = np.lexsort((scores, group))
    group, scores, clicked = group[order], scores[order], clicked[order]
    size = np.bincount(group)
    begin = np.cumsum(size) - size
    new_tie = np.r_[True, (group[1:] != group[:-1]) | (scores[1:] != scores[:-1])]
    first = np.flatnonzero(new_tie)
    last = np.r_[first[1:], len(scores)] - 1
    rank = ((first + last) / 2)[np.cumsum(new_tie) - 1] - begin[group] + 1  # from 1; ties share the mean rank
    clicks = np.bincount(group[clicked], minlength=len(size))
    pairs = clicks.astype(np.float64) * (size - clicks)
    above = np.bincount(group, rank * clicked, minlength=len(size)) - clicks * (clicks + 1) / 2
    return size, np.divide(above, pairs, out=np.full(len(size), np.nan), where=pairs > 0)
