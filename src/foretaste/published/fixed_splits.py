"""Published tables with fixed splits, run again: their data, split, metrics and printed values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foretaste.data.sources.fixed_splits import load_fixed
from foretaste.data.sources.folder import load_folder
from foretaste.data.splits import Holdout
from foretaste.errors import DataError, UnknownNameError, did_you_mean
from foretaste.evaluation.robustness.stability import StabilityOptions, with_stability
from foretaste.published.tables import Figures, references, tables
from foretaste.selection.choose_pipeline import measure_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.data.splits import Split
    from foretaste.evaluation.leaderboard import Leaderboard
    from foretaste.types import Run

CHOSEN_BY = 3_000
"""Validation users on whom settings are chosen; the test evaluates all users, as the papers do."""


@dataclass(frozen=True)
class PublishedTable:
    summary: str
    file: str
    """Path below the data root: a file with its split, or a folder that `holdout` splits."""
    models: tuple[str, ...]
    references: dict[str, Figures]
    """Printed values by source, in the order of `metrics`."""
    metrics: tuple[str, ...]
    holdout: Holdout | None = None
    """The holdout; None where the file fixes the split."""

    def split(self, root: Path) -> Split:
        if self.holdout is None:
            return load_fixed(root / self.file)
        if not (root / self.file).is_dir():
            raise DataError(f"There is no {root / self.file}; a benchmark reads it there. Give its folder with --root.")
        return self.holdout(load_folder(root / self.file))


BENCHMARKS = {
    name: PublishedTable(
        table["summary"],
        table["file"],
        tuple(table["models"]),
        references(table),
        tuple(table["metrics"]),
        Holdout.parse(table["holdout"], name) if "holdout" in table else None,
    )
    for name, table in tables("lists").items()
}


def benchmark(name: str) -> PublishedTable:
    if name not in BENCHMARKS:
        raise UnknownNameError(f"No benchmark of lists is called '{name}'.{did_you_mean(name, BENCHMARKS)}")
    return BENCHMARKS[name]


def run_benchmark(
    name: str,
    root: Path,
    run: Run,
    *,
    models: Sequence[str] = (),
    budget: float | None = None,
    stability: StabilityOptions | None = None,
) -> Leaderboard:
    """Choose each model's settings on validation, train on all but the test part, measure on the whole test part."""
    published = benchmark(name)
    stability = stability or StabilityOptions()
    stability.check(published.holdout)
    split = published.split(root)
    board = measure_models(
        models or published.models,
        split,
        run,
        metrics=published.metrics,
        main=published.metrics[-1],
        max_validation_users=CHOSEN_BY,
        max_test_users=None,
        budget=budget,
    )
    return with_stability(board, split, published.holdout, run, stability)
