"""The ml-1m table of the NCF paper, reproduced (`foretaste benchmark ml-1m-ncf`): one target among 99 negatives.

He et al., "Neural Collaborative Filtering", WWW 2017; the reference values are those of Rendle et al., RecSys 2020.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.data.splits import fixed
from foretaste.errors import DataError, UnknownNameError, did_you_mean
from foretaste.evaluation.leaderboard import EvaluationProtocol, Leaderboard, LeaderboardRow
from foretaste.evaluation.sampled_metrics import SampledQueries, evaluate_sampled
from foretaste.published.tables import references, summaries_of, tables
from foretaste.registry import model_class

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.config import Config
    from foretaste.data.splits import Split
    from foretaste.types import Run

NAME = "ml-1m-ncf"
SUMMARIES = summaries_of("sampled")
MODELS = tuple(tables("sampled")[NAME]["models"])
REFERENCES = references(tables("sampled")[NAME])
"""Printed values by source: HR@10, NDCG@10."""
NEGATIVES = 99
GRIDS: dict[str, list[dict[str, Any]]] = tables("sampled")[NAME]["grids"]
"""Grids for this dense data set, where the model's own does not fit it."""


def load(folder: Path) -> tuple[Split, SampledQueries]:
    """The split of the paper, with each user's last training item as validation, and the queries of its files."""
    events, negatives = folder / "interactions.parquet", folder / "ncf_eval_negatives.parquet"
    if not events.is_file() or not negatives.is_file():
        raise DataError(
            f"There is no {events} with {negatives.name} beside it; give the folder of the sets with --root."
        )
    raw = pl.read_parquet(events).sort("user_id", "position")
    part = pl.when(pl.col("split") == "test").then(2.0).otherwise(0.0)
    # The part is carried as the value of each event, so that it is sorted along with it.
    frame = raw.select(user="user_id", item="item_id", value=part)
    data = Dataset.from_frame(frame, name=f"{folder.name} (NCF)")
    is_test = data.value == 2
    left = np.bincount(data.user[~is_test], minlength=data.n_users)
    place = np.zeros(len(data), np.int64)
    place[~is_test] = data.where(~is_test).position
    is_validation = ~is_test & (place == left[data.user] - 1) & (left[data.user] > 1)
    split = fixed(data, is_test, is_validation, "the last item of each user, as the NCF files have it")

    given = pl.read_parquet(negatives).with_columns(pl.col("user_id").cast(pl.String))
    rows = pl.DataFrame({"user_id": data.users.names.gather(split.test.queries.user)})
    rows = rows.join(given, on="user_id", how="left", maintain_order="left")
    names = rows["negatives"].explode()
    codes = data.items.ids.codes(names).reshape(len(rows), -1)
    test = SampledQueries.with_given_negatives(split.test, codes, "negatives of the NCF files")
    return split, test


def run_ncf(name: str, root: Path, run: Run, *, models: Sequence[str] = ()) -> Leaderboard:
    """Each model's settings chosen on validation by NDCG@10, then trained on everything but the test items."""
    if name not in SUMMARIES:
        raise UnknownNameError(f"No benchmark is called '{name}'.{did_you_mean(name, SUMMARIES)}")
    split, test = load(root / name.removesuffix("-ncf"))
    grids = {model_name: _grid(model_name) for model_name in models or MODELS}
    validation: SampledQueries | None = None
    rows = []
    for model_name, grid in grids.items():
        tried: list[tuple[Config, float]] = []
        if len(grid) > 1:
            validation = validation or SampledQueries.with_uniform_negatives(split.validation, NEGATIVES)
            for number, config in enumerate(grid):
                found = model_class(model_name)(config).fit(split.train, run)
                tried.append((config, evaluate_sampled(found, validation).mean("ndcg@10")))
                run.progress(f"choosing settings of {model_name}", number + 1, len(grid))
        config, score = max(tried, key=lambda pair: pair[1]) if tried else (grid[0], None)
        began = perf_counter()
        found = model_class(model_name)(config).fit(split.refit, run)
        seconds = perf_counter() - began
        settings = tuple((setting.model_dump(mode="json"), value) for setting, value in tried)
        row = LeaderboardRow(
            model_name, config.model_dump(mode="json"), score, evaluate_sampled(found, test), seconds, settings
        )
        rows.append(row)
        run.progress("measuring on the test part", len(rows), len(grids))
    protocol = EvaluationProtocol.of(split, "refit", len(split.test)).model_copy(update={"ranking": test.ranking})
    return Leaderboard(protocol, tuple(rows), main="ndcg@10")


def _grid(name: str) -> tuple[Config, ...]:
    made = model_class(name)
    if name not in GRIDS:
        return made.grid
    return tuple(made.config_class.parse(settings, f"settings of {name}") for settings in GRIDS[name])
