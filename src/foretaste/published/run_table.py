"""Every published table by its name, whatever it measures: lists, ratings, or sampled metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from foretaste.errors import ConfigError, UnknownNameError, did_you_mean
from foretaste.evaluation import sampled_metrics
from foretaste.evaluation.robustness.stability import StabilityOptions
from foretaste.published import fixed_splits, ncf, next_item, ratings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from foretaste.types import Run


class TableView(Protocol):
    """What all kinds of leaderboards can do."""

    def view(self) -> RenderableType: ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True, eq=False)
class TableResult:
    """board : the measured leaderboard; references : printed values by source, in the order of `metrics`"""

    name: str
    board: TableView
    references: Mapping[str, Sequence[float]]
    metrics: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        references = {who: list(figures) for who, figures in self.references.items()}
        return {**self.board.to_json(), "references": references, "reference_metrics": list(self.metrics)}


def summaries() -> dict[str, str]:
    """Name to what it measures, in one line."""
    lists = {name: table.summary for name, table in fixed_splits.BENCHMARKS.items()}
    return {**lists, **next_item.SUMMARIES, **ncf.SUMMARIES, **ratings.SUMMARIES}


def run_table(
    name: str,
    root: Path,
    run: Run,
    *,
    models: Sequence[str] = (),
    budget: float | None = None,
    stability: StabilityOptions | None = None,
    strict: bool = False,
    each: Callable[[TableResult], None] = lambda ran: None,
) -> TableResult:
    """Choose settings on validation and measure on the split of the table.

    budget, stability : seconds to tune in, and further seeds, tie orders or splits; for tables of lists only, the
                        others fix their grids and need hours for one seed
    strict            : tables of the next item, without the variant refit
    each              : for next-item tables: called with the rows so far after each model
    """
    if name not in (known := summaries()):
        raise UnknownNameError(f"No benchmark is called '{name}'.{did_you_mean(name, known)}")
    if strict and name not in next_item.TABLES:
        raise ConfigError(f"Only next-item tables have two variants, and {name} is not one; leave --strict out.")
    if name in fixed_splits.BENCHMARKS:
        table = fixed_splits.BENCHMARKS[name]
        board = fixed_splits.run_benchmark(name, root, run, models=models, budget=budget, stability=stability)
        return TableResult(name, board, table.references, table.metrics)
    if stability is not None and stability != StabilityOptions():
        raise ConfigError(f"The benchmark {name} is run as it was printed; leave --seeds, --ties and --leakage out.")
    if budget is not None:
        raise ConfigError(f"The benchmark {name} has a grid of its own and takes no budget; leave --budget out.")
    if name in next_item.TABLES:

        def ran(boards: TableView) -> TableResult:
            return TableResult(name, boards, next_item.TABLES[name].references, next_item.METRICS[:2])

        each_board = lambda boards: each(ran(boards))  # noqa: E731
        return ran(next_item.run_next_item(name, root, run, models=models, strict=strict, each=each_board))
    if name in ncf.SUMMARIES:
        found = ncf.run_ncf(name, root, run, models=models)
        return TableResult(name, found, ncf.REFERENCES, tuple(sampled_metrics.METRICS))
    errors = ratings.run_ratings(name, root, run, models=models)
    return TableResult(name, errors, ratings.REFERENCES[name], ("rmse", "mae"))
