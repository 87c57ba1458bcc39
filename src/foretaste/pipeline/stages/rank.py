"""Orders candidates by what a ranker expects each of them to be worth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import PositiveInt, field_validator

from foretaste.config import Config
from foretaste.models.saving import fitted
from foretaste.registry import RANKERS
from foretaste.types import NO_ITEM

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.protocols import Ranker
    from foretaste.types import Candidates, Queries, RankingRows, Run, StageContext


class RankConfig(Config):
    ranker: str
    """Its name in the registry of rankers."""
    settings: dict[str, Any] = {}
    """Settings of the ranker; its defaults where nothing is said."""
    window: PositiveInt = 200
    """Candidates that are ordered anew, the first of the merge; those behind stay where they are."""

    @field_validator("ranker")
    @classmethod
    def _known(cls, name: str) -> str:
        RANKERS.spec(name)
        return name


class Rank:
    """The first `window` candidates, sorted by the ranker's scores; what it cannot judge (nan) keeps its order behind.

    ranker : the fitted one
    """

    config_class = RankConfig
    ranker: Ranker | None = None

    def __init__(self, config: Any = None) -> None:
        self.config: RankConfig = config

    def fit(self, train: Dataset, run: Run) -> Self:
        return self

    def fit_rows(self, rows: RankingRows, run: Run) -> Self:
        made = RANKERS.load(self.config.ranker)
        config = made.config_class.parse(self.config.settings, f"settings of {self.config.ranker}")
        self.ranker = made(config).fit(rows, run)
        return self

    def extra(self, queries: Queries, n: int) -> int:
        return max(0, self.config.window - n)

    def __call__(self, queries: Queries, candidates: Candidates, context: StageContext) -> Candidates:
        window = candidates.head(self.config.window)
        scores = fitted(self.ranker, self).score(queries, window).astype(np.float64)
        rest = candidates.items.shape[1] - window.items.shape[1]
        scores = np.pad(scores, ((0, 0), (0, rest)), constant_values=np.nan)
        # What was not judged stands below all that was, in the order of the merge.
        lowest = np.nanmin(np.where(np.isnan(scores), np.inf, scores), axis=1, initial=0.0)
        below = lowest[:, None] - np.arange(1, scores.shape[1] + 1)
        scores = np.where(np.isnan(scores) & (candidates.items != NO_ITEM), below, scores)
        ranked = candidates.with_scores(scores.astype(np.float32))
        # On the scale of rank fusion, so that later stages can demote by a factor whatever the ranker's scale is.
        places = (1.0 / (60.0 + np.arange(1, scores.shape[1] + 1))).astype(np.float32)
        return replace(ranked, scores=np.where(ranked.items == NO_ITEM, np.float32(np.nan), places))

    def save(self, folder: Path | str) -> None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rank.json").write_text(json.dumps(self.config.model_dump(mode="json")), encoding="utf-8")
        fitted(self.ranker, self).save(folder / "ranker")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        folder = Path(folder)
        described = json.loads((folder / "rank.json").read_text(encoding="utf-8"))
        stage = cls(RankConfig.parse(described, str(folder / "rank.json")))
        stage.ranker = RANKERS.load(stage.config.ranker).load(folder / "ranker")
        return stage
