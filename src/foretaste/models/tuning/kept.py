"""Taught encoders on disk, each under the fingerprint of what it was taught from: nothing is learned twice."""

from __future__ import annotations

import shutil
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from foretaste.errors import ConfigError
from foretaste.features.adapters import Adapter, is_adapter, read_adapter, write_adapter
from foretaste.features.cache import cache_folder
from foretaste.features.language_models import WORDLLAMA, weights_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from foretaste.features.text import TextEncoderConfig
    from foretaste.training.progress import TrainingProgress


def place_for(what: str, encoder: TextEncoderConfig, *taught_by: str) -> Path:
    """The folder of an encoder taught in just this way, whether it is there yet or not; in the cache."""
    if encoder.name == WORDLLAMA:
        raise ConfigError(f"'{WORDLLAMA}' has word vectors and no layers that could be taught; name another encoder.")
    return cache_folder() / "encoders" / f"{what}-{hash_of([weights_of(encoder.name), encoder.dtype, *taught_by])}"


def hash_of(texts: Iterable[str]) -> str:
    digest = blake2b(digest_size=12)
    for text in texts:
        digest.update(len(text).to_bytes(8, "little") + text.encode())
    return digest.hexdigest()


def training_folder(folder: Path) -> Path:
    """Where the checkpoints of a training lie until it is done."""
    return folder.with_name(folder.name + ".training")


def keep(
    folder: Path,
    encoder: TextEncoderConfig,
    changes: dict[str, Tensor],
    how: dict[str, object],
    progress: TrainingProgress,
) -> TextEncoderConfig:
    """Write what was learned; the checkpoints are no longer needed."""
    if is_adapter(encoder.name):
        base, weights, before, _ = read_adapter(Path(encoder.name))
    else:
        base, weights, before = encoder.name, weights_of(encoder.name), ()
    about = {
        **how,
        "epochs": progress.best_epoch,
        "losses": progress.losses,
        "scores": [score if score == score else None for score in progress.scores],  # nan is no JSON
        "seconds": progress.seconds,
    }
    write_adapter(folder, Adapter(base, weights, (*before, changes), about))
    shutil.rmtree(training_folder(folder), ignore_errors=True)
    return named(encoder, folder)


def named(encoder: TextEncoderConfig, folder: Path) -> TextEncoderConfig:
    return encoder.model_copy(update={"name": str(folder)})
