"""How good are lists for people of whom only columns are known? People nobody has met, by age, gender and occupation.

    python -m benchmarks columns

A tenth of the people is held out for the test and as many for the validation; not one event of theirs is learned from.
All they ever took is asked for, among all items, knowing their columns alone (NDCG@10). Settings are chosen on the
validation people.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from foretaste.data.sources.folder import load_folder
from foretaste.evaluation.cold_start import new_users_with_attributes
from foretaste.evaluation.evaluator import evaluate
from foretaste.evaluation.intervals import bootstrap_interval, paired_difference
from foretaste.models.plain.demographic import Demographic
from foretaste.models.plain.popular import Popular
from foretaste.types import Run

DATA = Path(__file__).parents[2] / "shared" / "data"
METRIC = "ndcg@10"


def run() -> dict[str, object]:
    return {name: _of(name) if (DATA / name).is_dir() else "skipped" for name in ("ml-100k", "ml-1m")}


def _of(name: str) -> dict[str, object]:
    split = new_users_with_attributes(load_folder(DATA / name))
    began = perf_counter()
    tried = []
    for config in Demographic.grid:
        model = Demographic(config).fit(split.train, Run())
        tried.append((evaluate(model, split.validation, (METRIC,)).mean(METRIC), model))
    score, best = max(tried, key=lambda one: one[0])
    popular = Popular().fit(split.train, Run())
    ours = evaluate(best, split.test, (METRIC,)).per_user[METRIC]
    theirs = evaluate(popular, split.test, (METRIC,)).per_user[METRIC]
    return {
        "protocol": split.rule,
        "people": len(split.test),
        "columns": sorted(best.columns_read),
        "settings": best.config.model_dump(mode="json"),
        "seconds": round(perf_counter() - began, 1),
        "validation": {
            "demographic": round(score, 4),
            "popular": round(evaluate(popular, split.validation, (METRIC,)).mean(METRIC), 4),
        },
        "test": {
            "demographic": [round(x, 4) for x in bootstrap_interval(ours)],
            "popular": [round(x, 4) for x in bootstrap_interval(theirs)],
            "difference": [round(x, 4) for x in paired_difference(ours, theirs)],
        },
    }
