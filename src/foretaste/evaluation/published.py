"""Tables of the literature, run again: their data, their split, their measures, and what they printed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from foretaste.data.sources.fixed import load_fixed
from foretaste.errors import UnknownNameError, did_you_mean
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.leaderboard import Leaderboard, Protocol, Row
from foretaste.evaluation.select import choose_settings
from foretaste.registry import model_class

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.types import Run

CHOSEN_BY = 3_000
"""People asked on validation; the test asks everybody, as the papers do."""


@dataclass(frozen=True)
class Published:
    file: str
    """Below the root of the data."""
    models: tuple[str, ...]
    references: dict[str, tuple[float, float]]
    """Who printed what: Recall@20, NDCG@20."""
    metrics: tuple[str, ...] = ("recall@20", "ndcg@20")


BENCHMARKS = {
    "gowalla": Published(
        "gowalla/interactions.parquet",
        ("popular", "itemknn", "gfcf"),
        {
            "GF-CF (paper)": (0.1849, 0.1518),
            "LightGCN (paper)": (0.1830, 0.1554),
            "EASE (BARS)": (0.1765, 0.1467),
            "BSPM-EM (NESCL README)": (0.1920, 0.1597),
        },
    ),
    "amazon-book-kgat": Published(
        "amazon-book-kgat/interactions.parquet",
        ("popular", "itemknn", "gfcf"),
        {"KGAT (its log)": (0.1503, 0.1016)},
    ),
    "lastfm-hetrec": Published(
        "lastfm-hetrec/lightgcn_interactions.parquet",
        ("popular", "itemknn", "userknn", "gfcf", "ease"),
        {"EASE (a check of these files, best of three by test)": (0.2622, 0.2081)},
    ),
}


def benchmark(name: str) -> Published:
    if name not in BENCHMARKS:
        raise UnknownNameError(f"No benchmark is called '{name}'.{did_you_mean(name, BENCHMARKS)}")
    return BENCHMARKS[name]


def run_benchmark(name: str, root: Path, run: Run, *, models: Sequence[str] = ()) -> Leaderboard:
    """Choose each model's settings on validation, learn from everything but the test part, measure on all of it."""
    published = benchmark(name)
    split = load_fixed(root / published.file)
    fewer = replace(split, validation=split.validation.sample(CHOSEN_BY))
    rows = []
    for model_name in models or published.models:
        chosen = choose_settings(model_name, fewer, run)
        began = perf_counter()
        model: Any = model_class(model_name)(chosen.config).fit(split.refit, run)
        fit_seconds = perf_counter() - began
        result = evaluate(model, split.test, published.metrics)
        rows.append(Row(model_name, chosen.config.model_dump(mode="json"), chosen.score, result, fit_seconds))
        run.progress("measuring on the test part", len(rows), len(models or published.models))
    return Leaderboard(Protocol.of(split, "refit", len(split.test)), tuple(rows), main=published.metrics[-1])
