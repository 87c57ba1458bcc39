"""The leaderboard of raters: RMSE and MAE with intervals, and the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import foretaste
from foretaste.config import Config
from foretaste.evaluation.intervals import LEVEL, RESAMPLES, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Group

BATCH_SIZE = 50
"""Bootstrap resamples per block; memory is BATCH_SIZE x users."""


class RatingProtocol(Config):
    """The protocol a row was measured under; rows are comparable only where these fields are equal."""

    data: str
    fingerprint: str
    split: str
    chosen: str
    ratings: int
    people: int
    path: str = "fold-in: users are known by their training ratings alone, as guests are; no learned row is used"
    clipped: str = "to the range of the training ratings"
    foretaste: str = foretaste.__version__

    def sentence(self) -> str:
        return (
            f"{self.data} ({self.fingerprint}) · {self.ratings:,} ratings of {self.people:,} users · held out: "
            f"{self.split} · settings chosen {self.chosen} · {self.path} · clipped {self.clipped}"
        )


@dataclass(frozen=True, eq=False)
class RatingRow:
    """A measured rater.

    settings          : chosen in each fold
    rmse, mae         : of each fold; their means are what papers print
    squared, absolute : (n_users,) float64 sums of a user's errors over all folds
    count             : (n_users,) number of these ratings
    *_seconds         : of one fold, on average
    """

    model: str
    settings: tuple[dict[str, Any], ...]
    rmse: tuple[float, ...]
    mae: tuple[float, ...]
    squared: NDArray[np.float64]
    absolute: NDArray[np.float64]
    count: NDArray[np.float64]
    fit_seconds: float
    answer_seconds: float

    def interval(self, measure: str, *, seed: int = 0) -> Interval:
        """The mean of the folds, and the 95 % bootstrap interval over users of the same measure of all ratings."""
        folds, sums, power = (self.rmse, self.squared, 0.5) if measure == "rmse" else (self.mae, self.absolute, 1.0)
        low, high = np.quantile(
            bootstrap_ratio(sums, self.count, seed=seed) ** power, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
        )
        return Interval(float(np.mean(folds)), float(low), float(high))


@dataclass(frozen=True, eq=False)
class RatingLeaderboard:
    protocol: RatingProtocol
    rows: tuple[RatingRow, ...]

    def sorted(self) -> list[RatingRow]:
        return sorted(self.rows, key=lambda row: float(np.mean(row.rmse)))

    def to_json(self) -> dict[str, Any]:
        rows = []
        for row in self.sorted():
            intervals = {name: row.interval(name) for name in ("rmse", "mae")}
            rows.append(
                {
                    "model": row.model,
                    "test": {name: interval.mean for name, interval in intervals.items()},
                    "intervals": {name: [interval.low, interval.high] for name, interval in intervals.items()},
                    "folds": {"rmse": list(row.rmse), "mae": list(row.mae), "settings": list(row.settings)},
                    "fit_seconds": row.fit_seconds,
                    "answer_seconds": row.answer_seconds,
                    "protocol": self.protocol.model_dump(mode="json"),
                }
            )
        return {"rows": rows}

    def view(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", padding=(0, 1), pad_edge=False)
        table.add_column("model", no_wrap=True)
        for name in ("rmse ±", "mae ±", "between folds", "fit s", "answer s"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in self.sorted():
            cells = [f"{found.mean:.4f} ±{found.half:.4f}" for found in (row.interval("rmse"), row.interval("mae"))]
            between = f"{np.std(row.rmse, ddof=1):.4f}"
            table.add_row(row.model, *cells, between, f"{row.fit_seconds:.2f}", f"{row.answer_seconds:.2f}")
        remark = f"± half of the {LEVEL:.0%} interval over users; between folds: standard deviation of the folds' RMSE."
        return Group(table, Text(remark, style="dim"), Text(self.protocol.sentence(), style="dim"))


def bootstrap_ratio(sums: NDArray[np.float64], count: NDArray[np.float64], *, seed: int = 0) -> NDArray[np.float64]:
    """(RESAMPLES,) Σ sums / Σ count over resampled users (the errors of one user correlate)."""
    asked = count > 0
    sums, count = sums[asked], count[asked]
    rng = np.random.default_rng(seed)
    found = []
    for start in range(0, RESAMPLES, BATCH_SIZE):
        drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), min(BATCH_SIZE, RESAMPLES - start))
        found.append((drawn @ sums) / (drawn @ count))
    return np.concatenate(found)
