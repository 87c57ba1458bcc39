"""The least of a bundle that can answer: what is popular. It is read in a moment, whatever the size of the models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
from pydantic import ValidationError

from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.data.kinds import EventKind, Kinds
from foretaste.errors import BundleError
from foretaste.models.plain.popular import Popular
from foretaste.pipeline.bundle import ID_COLUMN, Bundle
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.manifest import Manifest
from foretaste.pipeline.pipeline import Pipeline
from foretaste.registry import FALLBACK, model_class

if TYPE_CHECKING:
    from pathlib import Path


def load_fallback(folder: Path) -> Bundle:
    """The bundle with its fallback for its only source. Not verified: that reads every byte, and comes next."""
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        table = pl.read_parquet(folder / "items.parquet")
        described = json.loads((folder / "pipeline" / "pipeline.json").read_text(encoding="utf-8"))
        pipeline = Pipeline(PipelineConfig(recalls=(RecallConfig(model=FALLBACK),)))
        pipeline.kinds = Kinds(EventKind.parse(kind, "kinds") for kind in described["kinds"])
        pipeline.fallback = Popular.load(folder / "pipeline" / "fallback")
    except (OSError, ValidationError, ValueError, KeyError, pl.exceptions.PolarsError) as error:
        raise BundleError(f"The bundle {folder.name} cannot be read ({type(error).__name__}); use another.") from None
    pipeline.recalls = {FALLBACK: model_class(FALLBACK).load(folder / "pipeline" / "fallback")}
    items = ItemTable(IdMap(table[ID_COLUMN]), table.drop(ID_COLUMN), manifest.title)
    return Bundle(folder, manifest, pipeline, items)
