"""Published rating tables, reproduced: `foretaste benchmark ml-100k-ratings` and `ml-1m-ratings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.data.sources.folder import load_folder
from foretaste.errors import UnknownNameError, did_you_mean
from foretaste.evaluation.ratings.cross_validation import cross_validate
from foretaste.published.tables import references, summaries_of, tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.evaluation.ratings.rating_leaderboard import RatingLeaderboard
    from foretaste.types import Run

SUMMARIES = summaries_of("ratings")
REFERENCES = {name: references(table) for name, table in tables("ratings").items()}
"""Printed values by source: RMSE, MAE."""


def run_ratings(name: str, root: Path, run: Run, *, models: Sequence[str] = ()) -> RatingLeaderboard:
    if name not in SUMMARIES:
        raise UnknownNameError(f"No benchmark is called '{name}'.{did_you_mean(name, SUMMARIES)}")
    return cross_validate(
        load_folder(root / name.removesuffix("-ratings")), models or tables("ratings")[name]["models"], run
    )
