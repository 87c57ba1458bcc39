"""Cache of fine-tuned encoders, keyed by a fingerprint of data and settings, so that nothing is trained twice."""

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


def adapter_folder(kind: str, encoder: TextEncoderConfig, *trained_on: str) -> Path:
    """The cache folder of the adapter that this training makes; it may not exist yet.

    kind       : 'tuned' or 'pretrained'
    trained_on : everything else that the result depends on: settings, fingerprints of data and texts, seed
    raises     : ConfigError for an encoder without transformer layers
    """
    if encoder.name == WORDLLAMA:
        raise ConfigError(f"'{WORDLLAMA}' has word vectors and no layers that can be fine-tuned; name another encoder.")
    return cache_folder() / "encoders" / f"{kind}-{hash_of([weights_of(encoder.name), encoder.dtype, *trained_on])}"


def hash_of(texts: Iterable[str]) -> str:
    """24 hex digits (BLAKE2b) of a sequence of texts; their boundaries count."""
    digest = blake2b(digest_size=12)
    for text in texts:
        digest.update(len(text).to_bytes(8, "little") + text.encode())
    return digest.hexdigest()


def checkpoint_folder(folder: Path) -> Path:
    """Where checkpoints are written until the training is complete."""
    return folder.with_name(folder.name + ".training")


def save_adapter(
    folder: Path,
    encoder: TextEncoderConfig,
    weights: dict[str, Tensor],
    how: dict[str, object],
    progress: TrainingProgress,
) -> TextEncoderConfig:
    """Write the adapter to `folder` and delete its checkpoints. Returns the encoder's settings under the new name.

    weights : of the adapter, by name in the base transformer (`layers.TunedLayers.adapter_weights`)
    how     : what it was trained on, for the adapter's `about` file
    """
    if is_adapter(encoder.name):
        base, base_weights, earlier, _ = read_adapter(Path(encoder.name))
    else:
        base, base_weights, earlier = encoder.name, weights_of(encoder.name), ()
    about = {
        **how,
        "epochs": progress.best_epoch,
        "losses": progress.losses,
        "scores": [score if score == score else None for score in progress.scores],  # JSON has no nan
        "seconds": progress.seconds,
    }
    write_adapter(folder, Adapter(base, base_weights, (*earlier, weights), about))
    shutil.rmtree(checkpoint_folder(folder), ignore_errors=True)
    return with_name(encoder, folder)


def with_name(encoder: TextEncoderConfig, folder: Path) -> TextEncoderConfig:
    """The same settings, reading the adapter in `folder`."""
    return encoder.model_copy(update={"name": str(folder)})
