"""From data to a pipeline one may ship: choose on validation, measure on test, then learn from everything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from foretaste.data.splits import leave_last
from foretaste.errors import DataError
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import of_difference
from foretaste.evaluation.leaderboard import MAIN, Leaderboard, Protocol, Row
from foretaste.evaluation.select import choose_settings, choose_weights
from foretaste.models.ease import EaseConfig
from foretaste.pipeline.pipeline import Pipeline, PipelineConfig, RecallConfig
from foretaste.registry import model_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.config import Config
    from foretaste.data.dataset import Dataset
    from foretaste.data.splits import Split
    from foretaste.types import Run

TASTELESS = ("random", "popular")
"""Compared, but not asked for candidates: one is the floor, the other the fallback."""
MOST_ASKED = 5_000
"""More people would narrow the intervals, already below 0.01 NDCG, and cost minutes on a large catalogue."""
FEWEST_ASKED = 20
"""With fewer people asked, any order of the models could be luck."""


@dataclass(frozen=True, eq=False)
class Selection:
    """config      : the pipeline to ship
    leaderboard : every model and the pipeline on the test questions; None where the data is too small to measure
    remarks     : what a person should know, one sentence each
    """

    config: PipelineConfig
    leaderboard: Leaderboard | None
    remarks: tuple[str, ...]


def select_pipeline(
    data: Dataset,
    names: Sequence[str],
    run: Run,
    *,
    split: Split | None = None,
    variant: Literal["refit", "strict"] = "refit",
) -> Selection:
    """Choose every model's settings and the merge weights on validation, and measure all of it on the test part."""
    recalls = [name for name in names if name not in TASTELESS]
    if not recalls:
        return _only_popular(f"Only {' and '.join(names)} were asked for: the pipeline offers what is popular.")
    split = split or leave_last(data)
    available = len(split.test)
    split = replace(split, validation=split.validation.sample(MOST_ASKED), test=split.test.sample(MOST_ASKED))
    if len(split.test) < FEWEST_ASKED or len(split.validation) < FEWEST_ASKED:
        remark = (
            f"Only {len(split.test)} people have enough events to be asked, too few to measure anything "
            f"({FEWEST_ASKED} are needed): the pipeline has default settings and no leaderboard."
        )
        usual = tuple(RecallConfig(model=name, weight=1.0 if name != "content" else 0.1) for name in recalls)
        return Selection(PipelineConfig(recalls=usual), None, (remark,))
    chosen = {name: choose_settings(name, split, run) for name in recalls}
    config = choose_weights(chosen, split, PipelineConfig())
    candidates: dict[str, tuple[Any, Config, float | None]] = {
        name: (model_class(name)(chosen[name].config), chosen[name].config, chosen[name].score) for name in recalls
    }
    for name in TASTELESS:
        candidates[name] = (model_class(name)(), model_class(name).config_class(), None)
    candidates["pipeline"] = (Pipeline(config), config, None)

    learned_from = split.refit if variant == "refit" else split.train
    rows = []
    for number, (name, (model, settings, validation)) in enumerate(candidates.items()):
        began = perf_counter()
        fitted = model.fit(learned_from, run)
        fit_seconds = perf_counter() - began
        result = evaluate(fitted, split.test)
        rows.append(Row(name, settings.model_dump(mode="json"), validation, result, fit_seconds))
        run.progress("measuring on the test part", number + 1, len(candidates))
    board = Leaderboard(Protocol.of(split, variant, available), tuple(rows))
    return _shipped(config, board)


def _shipped(config: PipelineConfig, board: Leaderboard) -> Selection:
    """The pipeline, or popularity where nothing beats it.

    Judged on the test part: on validation the best of many settings looks better than it is, even on pure noise.
    """
    results = {row.model: row.result.per_user[MAIN] for row in board.rows}
    gain = of_difference(results["pipeline"], results["popular"])
    apart = f"{gain.mean:+.4f} NDCG@10, interval {gain.low:+.4f} to {gain.high:+.4f}"
    if gain.low > 0:
        return Selection(config, board, (f"The pipeline beats what is popular ({apart}), person by person.",))
    popular = _only_popular(
        f"No model beats what is popular on this data ({apart}): the bundle offers what is popular."
    )
    return Selection(popular.config, board, popular.remarks)


def _only_popular(remark: str) -> Selection:
    return Selection(PipelineConfig(recalls=(RecallConfig(model="popular"),)), None, (remark,))


def usable_models(data: Dataset, names: Sequence[str]) -> list[str]:
    """The models this data can feed: without texts there is nothing to read, without room no ease."""
    if not len(data):
        raise DataError("There are no events to learn from.")
    has_texts = any(data.items.texts())
    small = data.n_items <= EaseConfig().max_items
    return [name for name in names if (name != "content" or has_texts) and (name != "ease" or small)]
