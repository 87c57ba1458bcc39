"""Adds to a check report what needs the whole data set: catalogue, relations, leaks, fitting models, preparation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.data.checks.leaks import table_leaks
from foretaste.data.prepare.prepare import prepare
from foretaste.selection.model_fit import model_fits

if TYPE_CHECKING:
    from foretaste.data.checks.report import Report
    from foretaste.data.dataset import Dataset
    from foretaste.data.prepare.config import PrepareConfig


def with_data(report: Report, data: Dataset, config: PrepareConfig) -> tuple[Report, Dataset]:
    """The completed report, and the data set as it will be trained on."""
    prepared, steps = prepare(data, config)
    models = model_fits(prepared)
    counts = {
        **report.counts,
        **catalogue_counts(data),
        "models_that_fit": ", ".join(model.name for model in models if model.fits),
    }
    update = {
        "counts": counts,
        "problems": (*report.problems, *table_leaks(data)),
        "models": models,
        "prepared": steps.steps,
    }
    return report.model_copy(update=update), prepared


def catalogue_counts(data: Dataset) -> dict[str, int]:
    """Counts of the catalogue, of user columns and of relations; only what the data has."""
    per_item = np.bincount(data.item, minlength=data.n_items)
    counts = {"catalogue": data.n_items, "items_without_events": int((per_item == 0).sum())}
    if data.items.frame.width:
        counts["items_with_words"] = sum(1 for text in data.items.texts() if text)
        counts["item_columns"] = data.items.frame.width
    if data.items.pictures is not None:
        counts["items_with_pictures"] = data.items.pictures.len() - data.items.pictures.null_count()
    if data.user_table is not None:
        counts["user_columns"] = data.user_table.width - 1
    for name, relation in sorted(data.relations.items()):
        counts[f"relation_{name}"] = len(relation)
    if data.searches is not None:
        counts["searches"] = len(data.searches)
    if data.impressions is not None:
        counts["impressions"] = len(data.impressions)
    return counts
