"""All that a network learns from, apart from the data set it came from: enough to learn it in another process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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


@dataclass(frozen=True, eq=False)
class Course:
    """name       : of the model in the registry
    history    : the wanted events of everybody
    met        : (n_items,) whether anybody wanted the item
    content    : (n_items, C) what a frozen encoder says of the items, or None
    mask_share : of the events hidden and asked for; None asks for every next event
    start      : weights to begin with, by name; what is not there begins at random
    watched    : whether a monitor decides when to stop
    device     : where it is learned, as `Run` says it
    people     : (rows of the history, P) what is known of people beside their events, or None
    beside     : (n_items, C_m) what else is known of the items, by name: pictures, columns, vectors
    similar    : (n_items, S) int32 the items most like each, −1 where there are fewer; None where nothing asks for them
    rows       : (n_items, width) float32 learned rows of items to begin with, or None; unlike `start` they follow from
                 the data and the settings
    """

    name: str
    config: SequenceConfig
    history: History
    met: BoolArray
    content: Tensor | None
    words: ItemTokens | None
    mask_share: float | None
    seed: int
    watched: bool
    start: Mapping[str, Tensor] = field(default_factory=dict)
    device: str = "cpu"
    people: FloatArray | None = None
    beside: Mapping[str, Tensor] = field(default_factory=dict)
    similar: IntArray | None = None
    rows: FloatArray | None = None

    def tensors(self) -> dict[str, Tensor]:
        """The whole of it as named tensors; `from_tensors` reads them back."""
        said = {
            "name": self.name,
            "config": self.config.model_dump(mode="json"),
            "mask_share": self.mask_share,
            "seed": self.seed,
            "watched": self.watched,
            "device": self.device,
            "n_words": self.words and self.words.size,
        }
        history = self.history
        found = {
            "said": torch.frombuffer(bytearray(json.dumps(said).encode()), dtype=torch.uint8),
            "items": torch.from_numpy(history.items),
            "offsets": torch.from_numpy(history.offsets),
            "kind": torch.from_numpy(history.kind),
            "value": torch.from_numpy(history.value),
            "met": torch.from_numpy(self.met),
        }
        if history.time is not None:
            found["time"] = torch.from_numpy(history.time)
        if self.content is not None:
            found["content"] = self.content
        if self.people is not None:
            found["people"] = torch.from_numpy(self.people)
        if self.words is not None:
            found |= {f"words.{part}": getattr(self.words, part) for part in ("codes", "starts", "weights")}
        if self.similar is not None:
            found["similar"] = torch.from_numpy(self.similar)
        if self.rows is not None:
            found["rows"] = torch.from_numpy(self.rows)
        found |= {f"beside/{name}": tensor for name, tensor in self.beside.items()}
        return found | {f"start/{name}": tensor for name, tensor in self.start.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], config_class: Any = None) -> Self:
        """config_class : of the model; None looks it up in the registry"""
        from foretaste.registry import model_class

        said = json.loads(tensors["said"].numpy().tobytes())
        config_class = config_class or model_class(said["name"]).config_class
        time = tensors.get("time")
        history = History(
            tensors["items"].numpy(),
            tensors["offsets"].numpy(),
            None if time is None else time.numpy(),
            tensors["kind"].numpy(),
            tensors["value"].numpy(),
        )
        words = None
        if said["n_words"] is not None:
            codes, starts, weights = (tensors[f"words.{part}"] for part in ("codes", "starts", "weights"))
            words = ItemTokens(codes, starts, weights, said["n_words"])
        return cls(
            said["name"],
            config_class.model_validate(said["config"]),
            history,
            np.asarray(tensors["met"].numpy(), bool),
            tensors.get("content"),
            words,
            said["mask_share"],
            said["seed"],
            said["watched"],
            _below("start/", tensors),
            said["device"],
            tensors["people"].numpy() if "people" in tensors else None,
            _below("beside/", tensors),
            tensors["similar"].numpy() if "similar" in tensors else None,
            tensors["rows"].numpy() if "rows" in tensors else None,
        )


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
