"""One training job: all that training a network needs, apart from the data set, so that another process can help."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor

from foretaste.nn.item_embedding import ItemTokens
from foretaste.types import History

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.types import BoolArray, FloatArray, IntArray

TRAIN, LEAVE = 0.0, 1.0
"""Signals of the lead process between two trainings: here comes a job; there are no more."""
SETTINGS = ("name", "model_path", "mask_share", "seed", "early_stopping", "device")
ARRAYS = ("seen_items", "user_vectors", "similar_items", "initial_rows")


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingJob:
    """
    name            : of the model, for progress reports and checkpoints
    model_path      : 'package.module:Class' of the model, for processes that have only the job
    history         : the positive events of all users, one row per user code
    seen_items      : (n_items,) whether the item occurs in `history`
    text_vectors    : (n_items, C) float32 text vectors of a frozen encoder, or None
    words           : sparse tf-idf weights of the items' words, or None
    modalities      : by name (pictures, columns, vectors), (n_items, C_m) float32 further features of the items
    similar_items   : (n_items, S) int32 most similar items, −1 for padding; None without substitution augmentation
    user_vectors    : (n_rows, P) float32 user features, or None
    mask_share      : share of the events that are masked and predicted; None predicts every next event
    initial_rows    : (n_items, width) float32 initial item embeddings, or None for random ones
    initial_weights : further initial weights by name, from another network; the others are random
    early_stopping  : whether a monitor decides when to stop
    device          : as in `Run`
    """

    name: str
    model_path: str
    config: SequenceConfig
    history: History
    seen_items: BoolArray
    text_vectors: Tensor | None = None
    words: ItemTokens | None = None
    modalities: Mapping[str, Tensor] = field(default_factory=dict)
    similar_items: IntArray | None = None
    user_vectors: FloatArray | None = None
    mask_share: float | None = None
    initial_rows: FloatArray | None = None
    initial_weights: Mapping[str, Tensor] = field(default_factory=dict)
    seed: int = 0
    early_stopping: bool = False
    device: str = "cpu"

    @property
    def model_class(self) -> Any:
        """The class of the model, imported."""
        return _imported(self.model_path)

    def tensors(self) -> dict[str, Tensor]:
        """The whole job as named tensors, to be sent to another process; `from_tensors` reads them."""
        settings: dict[str, Any] = {name: getattr(self, name) for name in SETTINGS}
        settings |= {"config": self.config.model_dump(mode="json"), "n_words": self.words and self.words.size}
        arrays = {
            f"history.{name}": getattr(self.history, name) for name in ("items", "offsets", "time", "kind", "value")
        }
        arrays |= {name: getattr(self, name) for name in ARRAYS}
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items() if array is not None}
        tensors["settings"] = torch.frombuffer(bytearray(json.dumps(settings).encode()), dtype=torch.uint8)
        if self.text_vectors is not None:
            tensors["text_vectors"] = self.text_vectors
        if self.words is not None:
            tensors |= {f"words.{part}": getattr(self.words, part) for part in ("codes", "starts", "weights")}
        tensors |= {f"modalities/{name}": tensor for name, tensor in self.modalities.items()}
        return tensors | {f"initial_weights/{name}": tensor for name, tensor in self.initial_weights.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """The job that `tensors()` described; imports the class of its model."""
        settings = json.loads(tensors["settings"].numpy().tobytes())
        n_words = settings.pop("n_words")
        settings["config"] = _imported(settings["model_path"]).config_class.model_validate(settings["config"])
        arrays: dict[str, Any] = {name: tensors[name].numpy() for name in ARRAYS if name in tensors}
        arrays["seen_items"] = np.asarray(arrays["seen_items"], bool)
        time = tensors.get("history.time")
        history = History(
            tensors["history.items"].numpy(),
            tensors["history.offsets"].numpy(),
            None if time is None else time.numpy(),
            tensors["history.kind"].numpy(),
            tensors["history.value"].numpy(),
        )
        words = None
        if n_words is not None:
            codes, starts, weights = (tensors[f"words.{part}"] for part in ("codes", "starts", "weights"))
            words = ItemTokens(codes, starts, weights, n_words)
        return cls(
            **settings,
            **arrays,
            history=history,
            text_vectors=tensors.get("text_vectors"),
            words=words,
            modalities=_with_prefix("modalities/", tensors),
            initial_weights=_with_prefix("initial_weights/", tensors),
        )


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
