"""Tables of the literature, run again: their data, their split, their measures, and what they printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foretaste.data.sources.fixed_splits import load_fixed
from foretaste.data.sources.folder import load_folder
from foretaste.data.splits import Holdout
from foretaste.errors import DataError, UnknownNameError, did_you_mean
from foretaste.evaluation.stability import Stability, with_stability
from foretaste.selection.train import measure_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.data.splits import Split
    from foretaste.evaluation.leaderboard import Leaderboard
    from foretaste.types import Run

CHOSEN_BY = 3_000
"""People asked on validation; the test asks everybody, as the papers do."""


@dataclass(frozen=True)
class Published:
    summary: str
    file: str
    """Below the root of the data: a file with its split, or a folder to hold out from."""
    models: tuple[str, ...]
    references: dict[str, tuple[float, float]]
    """Who printed what, in the order of `metrics`."""
    metrics: tuple[str, ...] = ("recall@20", "ndcg@20")
    holdout: Holdout | None = None
    """How to hold out; None where the file fixes the split."""

    def split(self, root: Path) -> Split:
        if self.holdout is None:
            return load_fixed(root / self.file)
        if not (root / self.file).is_dir():
            raise DataError(f"There is no {root / self.file}; a benchmark reads it there. Give its folder with --root.")
        return self.holdout(load_folder(root / self.file))


CLASSICS = (
    *("random", "popular", "trending", "itemknn", "userknn", "rules", "p3alpha", "rp3beta", "gfcf", "bspm"),
    *("puresvd", "ials", "slim", "ease", "bpr", "mf", "item2vec", "lightgcn"),
)
"""The bar for every later model, each with its own settings."""
TOP_TEN = ("recall@10", "mrr@10", "ndcg@10")
TIME = Holdout(kind="time")

BENCHMARKS = {
    "gowalla": Published(
        "check-ins, the split of the LightGCN paper",
        "gowalla/interactions.parquet",
        ("popular", "itemknn", "gfcf", "bspm"),
        {
            "GF-CF (paper)": (0.1849, 0.1518),
            "LightGCN (paper)": (0.1830, 0.1554),
            "EASE (BARS)": (0.1765, 0.1467),
            "BSPM-EM (NESCL README)": (0.1920, 0.1597),
        },
    ),
    "amazon-book-kgat": Published(
        "books, the split of the KGAT paper",
        "amazon-book-kgat/interactions.parquet",
        ("popular", "itemknn", "gfcf", "bspm"),
        {"KGAT (its log)": (0.1503, 0.1016)},
    ),
    "lastfm-hetrec": Published(
        "artists, the split of the LightGCN code",
        "lastfm-hetrec/lightgcn_interactions.parquet",
        ("popular", "itemknn", "userknn", "gfcf", "bspm", "slim", "ials", "ease"),
        {"EASE (a check of these files, best of three by test)": (0.2622, 0.2081)},
    ),
    "ml-1m": Published(
        "films, leave-one-out, in the order of the NCF files", "ml-1m", CLASSICS, {}, TOP_TEN, Holdout()
    ),
    "ml-1m-time": Published("films, the newest tenth of all ratings", "ml-1m", CLASSICS, {}, TOP_TEN, TIME),
    "ml-latest-small": Published("films, leave-one-out", "ml-latest-small-posters", CLASSICS, {}, TOP_TEN, Holdout()),
    "ml-latest-small-time": Published(
        "films, the newest tenth of all ratings", "ml-latest-small-posters", CLASSICS, {}, TOP_TEN, TIME
    ),
}


def benchmark(name: str) -> Published:
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
    stability: Stability | None = None,
) -> Leaderboard:
    """Choose each model's settings on validation, learn from everything but the test part, measure on all of it."""
    published = benchmark(name)
    stability = stability or Stability()
    stability.check(published.holdout)
    split = published.split(root)
    board = measure_models(
        models or published.models,
        split,
        run,
        metrics=published.metrics,
        main=published.metrics[-1],
        chosen_by=CHOSEN_BY,
        asked=None,
        budget=budget,
    )
    return with_stability(board, split, published.holdout, run, stability)
