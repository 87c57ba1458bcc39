"""The rating tables of the literature, run again: `foretaste benchmark ml-100k-ratings` and `ml-1m-ratings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.data.sources.folder import load_folder
from foretaste.errors import UnknownNameError, did_you_mean
from foretaste.evaluation.ratings import cross_validate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.evaluation.rating_board import RatingBoard
    from foretaste.types import Run

SUMMARIES = {
    "ml-100k-ratings": "RMSE and MAE of MovieLens 100K, 5 random folds",
    "ml-1m-ratings": "RMSE and MAE of MovieLens 1M, 5 random folds",
}
MODELS = ("bias", "similarity_regression", "svd", "svdpp")
REFERENCES = {
    "ml-100k-ratings": {
        "SVD (Surprise)": (0.934, 0.737),
        "SVD++ (Surprise)": (0.919, 0.721),
        "KNN Baseline (Surprise)": (0.931, 0.733),
        "Baseline (Surprise)": (0.944, 0.748),
    },
    "ml-1m-ratings": {
        "SVD (Surprise)": (0.873, 0.686),
        "SVD++ (Surprise)": (0.862, 0.672),
        "KNN Baseline (Surprise)": (0.895, 0.706),
    },
}
"""Who printed what: RMSE, MAE."""


def board(name: str, root: Path, run: Run, *, models: Sequence[str] = ()) -> RatingBoard:
    if name not in SUMMARIES:
        raise UnknownNameError(f"No benchmark is called '{name}'.{did_you_mean(name, SUMMARIES)}")
    return cross_validate(load_folder(root / name.removesuffix("-ratings")), models or MODELS, run)
