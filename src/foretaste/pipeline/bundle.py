"""A trained pipeline on disk: a folder that says what it is, is whole or is not there, and can run no code.

bundles/
├── current                  the version in use, one line
└── 20261121-045612-3f9a1c/
    ├── manifest.json        versions, data, config, measures, log position, the hash of every file
    ├── card.md              the same for people
    ├── items.parquet        the catalogue, in the order of the codes; no user names anywhere
    └── pipeline/            config and safetensors of every recall, of the stages and of the fallback
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import polars as pl
from pydantic import ValidationError

import foretaste
from foretaste.data.checks.card import data_card
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import BundleError
from foretaste.pipeline.card import card
from foretaste.pipeline.manifest import READ, DataSummary, Manifest
from foretaste.pipeline.pipeline import Pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset
    from foretaste.data.kinds import Kinds

ID_COLUMN = "__id__"


@dataclass(frozen=True, eq=False)
class Bundle:
    folder: Path
    manifest: Manifest
    pipeline: Pipeline
    items: ItemTable

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def kinds(self) -> Kinds:
        return self.pipeline.kinds


def save_bundle(
    bundles: Path, pipeline: Pipeline, data: Dataset, *, log_position: int = 0, metrics: dict[str, Any] | None = None
) -> str:
    """Write a new bundle beside the others and return its version; it is not in use until `activate`.

    Everything is written to a hidden folder, flushed to disk, and renamed: a bundle is whole or it is not there.
    """
    created = datetime.now(UTC)
    version = f"{created:%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
    bundles.mkdir(parents=True, exist_ok=True)
    _sweep(bundles)
    unfinished = bundles / f".unfinished-{version}-{os.getpid()}"
    unfinished.mkdir()
    try:
        pipeline.save(unfinished / "pipeline")
        frame = data.items.frame
        ids = data.items.ids.names.alias(ID_COLUMN).to_frame()
        pl.concat([ids, frame], how="horizontal").write_parquet(unfinished / "items.parquet")
        manifest = Manifest(
            foretaste=foretaste.__version__,
            version=version,
            created=created.isoformat(timespec="seconds"),
            data=_summary(data),
            data_card=data_card(data),
            log_position=log_position,
            title=data.items.title,
            config=pipeline.config.model_dump(mode="json"),
            metrics=metrics or {},
        )
        (unfinished / "card.md").write_text(card(manifest), encoding="utf-8")
        files = {
            str(path.relative_to(unfinished)): _hash(path) for path in sorted(unfinished.rglob("*")) if path.is_file()
        }
        whole = manifest.model_copy(update={"files": files})
        (unfinished / "manifest.json").write_text(whole.model_dump_json(indent=2), encoding="utf-8")
        for path in [*unfinished.rglob("*"), unfinished]:
            _flush(path)
        unfinished.rename(bundles / version)
        _flush(bundles)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return version


def load_bundle(folder: Path) -> Bundle:
    """The bundle in this folder, every file checked against its hash first."""
    manifest = verify_bundle(folder)
    table = pl.read_parquet(folder / "items.parquet")
    items = ItemTable(IdMap(table[ID_COLUMN]), table.drop(ID_COLUMN), manifest.title)
    return Bundle(folder, manifest, Pipeline.load(folder / "pipeline"), items)


def verify_bundle(folder: Path) -> Manifest:
    """The manifest, if every file is there and is what was written; else BundleError naming the file."""
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    except FileNotFoundError:
        raise BundleError(f"There is no bundle in {folder}: manifest.json is missing; train one.") from None
    except (ValidationError, ValueError) as error:
        raise BundleError(f"{folder / 'manifest.json'} is damaged ({error}); use another bundle.") from None
    if manifest.format not in READ:
        raise BundleError(
            f"The bundle {folder} has format {manifest.format}, and foretaste {foretaste.__version__} reads formats "
            f"{' and '.join(map(str, READ))}; train it again, or use foretaste {manifest.foretaste}."
        )
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"The bundle {folder.name} is damaged: {name} is missing; use another bundle.")
        if _hash(path) != expected:
            raise BundleError(f"The bundle {folder.name} is damaged: {name} was changed; use another bundle.")
    return manifest


def bundle_versions(bundles: Path) -> list[str]:
    """Every whole bundle, the oldest first."""
    if not bundles.is_dir():
        return []
    return sorted(path.parent.name for path in bundles.glob("[!.]*/manifest.json"))


def current_version(bundles: Path) -> str | None:
    """The version in use, None before the first is activated."""
    try:
        return (bundles / "current").read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def activate(bundles: Path, version: str) -> None:
    """Put a bundle to use, at once and for every reader of the folder; rolling back is activating an older one."""
    verify_bundle(bundles / version)
    pointer = bundles / f".current-{os.getpid()}"
    pointer.write_text(version + "\n", encoding="utf-8")
    _flush(pointer)
    pointer.replace(bundles / "current")
    _flush(bundles)


def load_current(bundles: Path) -> Bundle:
    if (version := current_version(bundles)) is None:
        raise BundleError(f"No bundle is in use in {bundles}; run `foretaste train` first.")
    return load_bundle(bundles / version)


def _sweep(bundles: Path) -> None:
    """Remove what a killed process left unfinished."""
    for path in bundles.glob(".unfinished-*"):
        if not _alive(int(path.name.rpartition("-")[2])):
            shutil.rmtree(path, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _summary(data: Dataset) -> DataSummary:
    def day(microseconds: int) -> str:
        return datetime.fromtimestamp(microseconds / 1e6, UTC).date().isoformat()

    timed = data.time is not None and len(data) > 0
    return DataSummary(
        name=data.name,
        fingerprint=data.fingerprint,
        events=len(data),
        users=data.n_users,
        items=data.n_items,
        items_fingerprint=data.items.ids.fingerprint(),
        first_event=day(int(data.time.min())) if timed and data.time is not None else None,
        last_event=day(int(data.time.max())) if timed and data.time is not None else None,
    )


def _hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _flush(path: Path) -> None:
    """Make sure of the disk: a file's content, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
