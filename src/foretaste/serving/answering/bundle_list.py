"""Lists the bundles of a folder from their manifests."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import ValidationError

from foretaste.api import ModelOut
from foretaste.errors import ConfigError
from foretaste.pipeline.bundle import bundle_versions
from foretaste.pipeline.manifest import Manifest

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("foretaste.serving")


def known_models(bundles: Path) -> list[ModelOut]:
    """Every bundle with a readable manifest, newest first; the others are named in the server's log."""
    found = (_described(bundles / version) for version in reversed(bundle_versions(bundles)))
    return [model for model in found if model is not None]


@lru_cache(maxsize=1_000)  # a bundle never changes once it is there
def _described(folder: Path) -> ModelOut | None:
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    except (OSError, ValidationError, ConfigError) as error:
        log.warning("The manifest of %s cannot be read (%s); it is not listed.", folder, error)
        return None
    return ModelOut.model_construct(version=manifest.version, created=manifest.created, metrics=manifest.metrics)
