"""Large catalogues: what a network wants next is looked up in an index, and not compared with every item.

From 20,000 items on that is a shortlist, which finds the same in a third of the time. Very large catalogues have an
approximate index, built once per bundle, by whichever worker comes first, and lying beside the bundles; it is refused
where it finds less of the true best than `ApproximateConfig.least_recall`, and then every item is looked at as before.
"""

from __future__ import annotations

import logging
import shutil
from copy import copy
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from foretaste.errors import BundleError, ConfigError
from foretaste.files import file_lock
from foretaste.protocols import InnerProducts, ReadsColumns
from foretaste.types import NO_ITEM, Candidates

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.index.approximate import ApproximateIndex
    from foretaste.index.int8_prefilter import Int8Prefilter
    from foretaste.pipeline.bundle import Bundle
    from foretaste.types import BoolArray, FloatArray, IntArray, Queries, Ragged

log = logging.getLogger("foretaste.serving")
FOLDER = ".indexes"
SHORTLIST_ABOVE = 20_000
"""Items below which there is nothing to be gained by a shortlist."""


class Index(Protocol):
    """Finds the k largest inner products; (B, k) items, best first, and (B, k) scores."""

    def search(
        self, vectors: FloatArray, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> tuple[IntArray, FloatArray]: ...


class Indexed:
    """A model of inner products that looks its candidates up in an index. Everything else is the model's own affair."""

    def __init__(self, name: str, model: Any, index: Index) -> None:
        """name  : of the source, as in the answers
        model : one that is InnerProducts
        """
        self.name = name
        self.model = model
        self.index = index

    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        vectors, known = self.model.query_vectors(queries)
        items = np.full((len(queries), k), NO_ITEM, np.int32)
        scores = np.full((len(queries), k), np.nan, np.float32)
        rows = np.flatnonzero(known)
        if len(rows):
            out = None if exclude is None else exclude.take(rows)
            items[rows], scores[rows] = self.index.search(vectors, k, exclude=out, allowed=allowed)
        return Candidates.of_one_source(items, scores, self.name)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        scores: FloatArray = self.model.score(queries, items)
        return scores

    @property
    def columns_read(self) -> frozenset[str]:
        return self.model.columns_read if isinstance(self.model, ReadsColumns) else frozenset()

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        contributions: FloatArray = self.model.contributions(history, items)
        return contributions


def wants_index(bundle: Bundle, above: int) -> list[str]:
    """The sources of a bundle that are large enough for an index, where the extra `ann` is there to make one."""
    return _networks(bundle) if len(bundle.items) >= above and find_spec("faiss") is not None else []


def with_indexes(bundle: Bundle, above: int, *, build: bool = False, anyhow: bool = False) -> Bundle:
    """The same bundle, its networks asking an index; unchanged where none is wanted, or none is there to be loaded.

    build  : make the approximate ones that are not there yet, which takes minutes for a million items
    anyhow : use shortlists even where they are no faster, to give an answer again that was found by one
    """
    found: dict[str, Index | None] = {}
    if wanted := wants_index(bundle, above):
        place = bundle.folder.parent / FOLDER / bundle.version
        found = {name: _index(place / name, bundle, name, build=build) for name in wanted}
    elif len(bundle.items) >= SHORTLIST_ABOVE:
        found = {name: _shortlist(bundle, name, anyhow=anyhow) for name in _networks(bundle)}
    models: dict[str, Any] = dict(bundle.pipeline.recalls or {})
    asking = {name: Indexed(name, models[name], index) for name, index in found.items() if index is not None}
    if not asking:
        return bundle
    pipeline = copy(bundle.pipeline)
    pipeline.recalls = models | asking
    return replace(bundle, pipeline=pipeline)


def _networks(bundle: Bundle) -> list[str]:
    recalls = bundle.pipeline.recalls or {}
    return [name for name, model in recalls.items() if isinstance(model, InnerProducts)]


def _inner_products(bundle: Bundle, name: str) -> InnerProducts:
    model: Any = (bundle.pipeline.recalls or {})[name]
    return cast("InnerProducts", model)


def _shortlist(bundle: Bundle, name: str, *, anyhow: bool) -> Int8Prefilter | None:
    from foretaste.index.int8_prefilter import Int8Prefilter

    return (Int8Prefilter if anyhow else Int8Prefilter.if_faster)(*_inner_products(bundle, name).scored_vectors())


def _index(folder: Path, bundle: Bundle, name: str, *, build: bool) -> ApproximateIndex | None:
    from foretaste.index.approximate import ApproximateIndex

    if not build and not folder.is_dir():
        return None
    folder.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(folder):
        if folder.is_dir():
            try:
                return ApproximateIndex.load(folder)
            except BundleError as error:
                log.warning("%s", error)
                shutil.rmtree(folder, ignore_errors=True)
        if not build:
            return None
        vectors, scored = _inner_products(bundle, name).scored_vectors()
        vectors = vectors.copy()
        vectors[~scored] = 0  # never found, as they are never scored
        try:
            index = ApproximateIndex.build(vectors)
        except ConfigError as error:
            log.warning("%s has no index: %s", name, error)
            return None
        unfinished = folder.with_name(f".{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        index.save(unfinished)
        unfinished.rename(folder)
    log.info("An index of %s for %s finds %.1f%% of the true best.", name, bundle.version, 100 * index.recall)
    return index
