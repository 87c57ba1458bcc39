"""Next-item tables: leave-one-out, full ranking, both variants, with and without seen items."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

from foretaste.data.sources.folder import load_folder
from foretaste.data.splits import leave_last
from foretaste.errors import ConfigError, UnknownNameError, did_you_mean
from foretaste.evaluation.beyond_accuracy_metrics import TrainingStatistics
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.leaderboard import EvaluationProtocol, Leaderboard, LeaderboardRow
from foretaste.evaluation.segments import segments_of
from foretaste.pipeline.config import PipelineConfig
from foretaste.pipeline.merge import reciprocal_rank
from foretaste.published.tables import Figures, references, tables
from foretaste.registry import model_class
from foretaste.selection.choose_settings import DEPTH, WEIGHTS, ModelChoice, choose_model, merge_weights, score_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Group, RenderableType

    from foretaste.data.splits import Split
    from foretaste.types import BoolArray, Candidates, Queries, Ragged, Run

METRICS = ("recall@10", "ndcg@10", "recall@5", "ndcg@5")
CHOSEN_BY = 3_000
"""Validation users after each epoch and for each setting; the test evaluates all users."""
SeenItems = Literal["excluded", "included"]
Variant = Literal["refit", "strict"]
Rows = dict[tuple[Variant, SeenItems], LeaderboardRow]
SEEN_NAMES: tuple[SeenItems, ...] = ("excluded", "included")
VARIANT_NAMES: tuple[Variant, ...] = ("strict", "refit")
MERGE = "merge"
"""The row of all models before it, merged."""


class RowDetails(TypedDict, total=False):
    """Fields that all rows of a model share, as `LeaderboardRow` has them."""

    settings: dict[str, Any]
    validation: float
    tried: tuple[tuple[dict[str, Any], float], ...]
    validation_curve: tuple[float, ...]


class MeasuredModel(NamedTuple):
    """A measured model: what was chosen, and how it was fitted, and how long that took, for each variant."""

    chosen: ModelChoice
    models: dict[Variant, Any]
    seconds: dict[Variant, float]


class NextItemTable(NamedTuple):
    summary: str
    models: tuple[str, ...]
    references: dict[str, Figures]
    """Printed values by source: Recall@10, NDCG@10."""


VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    name: (variant["model"], variant["settings"]) for name, variant in tables("variants").items()
}
"""Rows that are a model with settings beside its grid: with texts fused in, or with another loss."""
TABLES = {
    name: NextItemTable(table["summary"], tuple(table["models"]), references(table))
    for name, table in tables("next_item").items()
}
SUMMARIES = {name: table.summary for name, table in TABLES.items()}


@dataclass(frozen=True, eq=False)
class LeaderboardSet:
    """One leaderboard per variant and treatment of seen items: rows of different protocols are not compared."""

    boards: tuple[Leaderboard, ...]

    def view(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        parts: list[RenderableType] = []
        for board in self.boards:
            protocol = board.protocol
            parts += [Text(f"\n{protocol.variant}, seen items {protocol.seen}", style="bold"), board.view()]
        return Group(*parts)

    def to_json(self) -> dict[str, Any]:
        return {"rows": [row for board in self.boards for row in board.to_json()["rows"]]}


def run_next_item(
    name: str,
    root: Path,
    run: Run,
    *,
    models: Sequence[str] = (),
    strict: bool = False,
    each: Callable[[LeaderboardSet], None] = lambda boards: None,
) -> LeaderboardSet:
    """Choose, fit and measure: a row for each model, variant and treatment of seen items.

    strict : leave the variant refit out, which takes half the time
    each   : called with the rows so far after each model, so that an interrupted run keeps them
    """
    if name not in TABLES:
        raise UnknownNameError(f"No benchmark is called '{name}'.{did_you_mean(name, TABLES)}")
    table = TABLES[name]
    split = leave_last(load_folder(root / name.removesuffix("-next")))
    fewer = replace(split, validation=split.validation.sample(CHOSEN_BY))
    segments = segments_of(split.test, TrainingStatistics.of(split.refit))
    boards: dict[tuple[Variant, SeenItems], Leaderboard] = {}
    parts: dict[str, MeasuredModel] = {}
    names = models or table.models
    for model_name in names:
        if model_name == MERGE:
            measured = merged(parts, fewer)
        else:
            measured, part = _measured(model_name, fewer, run, strict)
            parts |= {model_name: part} if MERGE in names else {}
        for way, row in measured.items():
            if way not in boards:
                variant, seen = way
                protocol = EvaluationProtocol.of(split, variant, len(split.test)).model_copy(update={"seen": seen})
                boards[way] = Leaderboard(protocol, (), segments=segments)
            boards[way] = replace(boards[way], rows=(*boards[way].rows, row))
        each(LeaderboardSet(tuple(boards.values())))
    return LeaderboardSet(tuple(boards.values()))


def _measured(name: str, split: Split, run: Run, only_strict: bool) -> tuple[Rows, MeasuredModel]:
    """One model with settings chosen on validation: as fitted then (strict), and refitted on train and validation."""
    kind, settings = VARIANTS.get(name, (name, None))
    made = model_class(kind)
    configs = made.grid if settings is None else (made.config_class.parse(settings, f"settings of {name}"),)
    best = choose_model(name, made, configs, split, run, monitored=CHOSEN_BY)
    chosen = best.chosen
    details: RowDetails = {
        "settings": chosen.config.model_dump(mode="json"),
        "validation": chosen.score,
        "tried": tuple((config.model_dump(mode="json"), value) for config, value in chosen.tried),
        "validation_curve": chosen.validation_curve,
    }
    rows = _rows(name, "strict", best.model, split, best.seconds, details)
    part = MeasuredModel(chosen, {"strict": best.model}, {"strict": best.seconds})
    if not only_strict:
        began = perf_counter()
        part.models["refit"] = made(chosen.config).fit(split.refit, run)
        part.seconds["refit"] = perf_counter() - began
        rows |= _rows(name, "refit", part.models["refit"], split, part.seconds["refit"], details)
    return rows, part


def merged(parts: Mapping[str, MeasuredModel], split: Split) -> Rows:
    """The lists of the models measured before, merged by reciprocal rank fusion with weights chosen on validation."""
    if len(parts) < 2:
        raise ConfigError(f"'{MERGE}' merges the models named before it; name two at least with --model.")
    constant = PipelineConfig().merge_constant
    weights = merge_weights({name: part.chosen for name, part in parts.items()}, split.validation, constant)
    used = {name: parts[name] for name, weight in weights.items() if weight > WEIGHTS[0]}
    kept = [weights[name] for name in used]
    lists = reciprocal_rank({name: part.chosen.lists for name, part in used.items()}, kept, constant)
    details: RowDetails = {
        "settings": {"weights": dict(zip(used, kept, strict=True))},
        "validation": score_of(lists, split.validation),
    }
    rows: Rows = {}
    for variant in VARIANT_NAMES:
        if all(variant in part.models for part in used.values()):
            model = MergedModel({name: part.models[variant] for name, part in used.items()}, kept, constant)
            rows |= _rows(MERGE, variant, model, split, sum(part.seconds[variant] for part in used.values()), details)
    return rows


@dataclass(frozen=True, eq=False)
class MergedModel:
    """Reciprocal rank fusion of several models, without a fallback or stages."""

    models: Mapping[str, Any]
    weights: Sequence[float]
    constant: float

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        lists = {
            name: model.recommend(queries, max(k, DEPTH), exclude=exclude, allowed=allowed)
            for name, model in self.models.items()
        }
        return reciprocal_rank(lists, self.weights, self.constant).head(k)


def _rows(name: str, variant: Variant, model: Any, split: Split, seconds: float, details: RowDetails) -> Rows:
    rows: Rows = {}
    for seen in SEEN_NAMES:
        result = evaluate(model, split.test, METRICS, exclude_seen=seen == "excluded")
        rows[variant, seen] = LeaderboardRow(name, result=result, fit_seconds=seconds, **details)
    return rows
