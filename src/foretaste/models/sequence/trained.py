"""A network that has learned what comes next: how it is asked, saved and loaded.

The models (sasrec, hstu, gru4rec, bert4rec, two_tower) hand their network to `learn` and keep what comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.saving import read_model, write_model
from foretaste.nn.items import ItemEmbedding, Words
from foretaste.nn.next_items import NextItems
from foretaste.training.loop import Progress
from foretaste.training.rows import as_batch, wanted
from foretaste.types import Queries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.nn.ragged import Batch
    from foretaste.training.config import TrainingConfig
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Ragged


EXPLAINED = 20
"""Events tried as the reason of an offer: each costs a pass through the network."""


class Trained:
    """A network that has learned, and answers.

    met     : (n_items,) whether anybody wanted the item in the training data
    judged  : (n_items,) whether the network can say anything of it: it was met, or has content
    vectors : (n_items, width) float32, the rows of the items
    """

    def __init__(
        self, name: str, module: NextItems, config: SequenceConfig, kind_weight: FloatArray, met: BoolArray
    ) -> None:
        self.name, self.module, self.config, self.kind_weight, self.met = name, module, config, kind_weight, met
        self.judged: BoolArray = met | module.items.described().numpy()
        self.progress = Progress()
        self.refresh()

    def settled_training(self) -> TrainingConfig:
        """The training settings with the number of epochs that early stopping found."""
        epochs = max(1, self.progress.best_epoch)
        return self.config.training.model_copy(update={"epochs": epochs, "least_steps": 0})

    def refresh(self) -> None:
        """Take the weights as they are now."""
        with torch.inference_mode():
            if self.module.items.ids is not None:
                self.module.items.ids[torch.from_numpy(~self.met)] = 0.0  # a row nobody taught says nothing
            self.table = self.module.table()
            self.vectors: FloatArray = self.table[: len(self.met)].float().numpy()

    def recommend(
        self, queries: Queries, k: int, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(self.vectors)
        return recommend_in_blocks(self._score_all, queries, k, n, self.name, exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(self.vectors))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for everyone who has not wanted anything yet, and for items of which nothing is known."""
        states, known = self.states(queries)
        scores = np.full((len(queries), len(self.vectors)), np.nan, np.float32)
        scores[known] = states @ self.vectors.T
        scores[:, ~self.judged] = np.nan
        return scores

    def states(self, queries: Queries) -> tuple[FloatArray, BoolArray]:
        """(b, width) what each person wants next, for the b people with any wanted event: (B,) bool says which."""
        room = self.config.max_length - (self.module.hidden is not None)
        history = wanted(queries.history, self.kind_weight).newest(room)
        known = history.lengths > 0
        if not known.any():
            return np.zeros((0, self.vectors.shape[1]), np.float32), known
        history = history.take(np.flatnonzero(known))
        batch = as_batch(history) if self.module.hidden is None else _asking(history, len(self.vectors))
        with torch.inference_mode():
            found: FloatArray = self.module.states(self.table, batch)[batch.last].float().numpy()
        return found, known

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) how far the score of each item falls when each thing a person did is taken out of the history.

        Of long histories the newest EXPLAINED events are tried; what they do not explain nothing does.
        """
        tried = range(max(0, len(history) - EXPLAINED), len(history))
        rows = [history, *(np.delete(history, h) for h in tried)]
        scores = self.score(Queries.guests(rows), np.tile(items, (len(rows), 1)))
        parts = np.zeros((len(items), len(history)), np.float32)
        # Without its only event a history says nothing: then that event says everything.
        parts[:, tried] = (scores[0] - np.nan_to_num(scores[1:])).T
        return np.nan_to_num(parts)

    def save(self, folder: Path) -> None:
        weights = {name: tensor.numpy() for name, tensor in self.module.state_dict().items()}
        write_model(folder, self.config, {**weights, "kind_weight": self.kind_weight, "met": self.met})

    @classmethod
    def load(cls, folder: Path, name: str, config_class: type[Any], network_of: Callable[[Any], nn.Module]) -> Self:
        config, arrays = read_model(folder, config_class)
        kind_weight, met = arrays.pop("kind_weight").astype(np.float32), arrays.pop("met").astype(bool)
        weights = {key: torch.from_numpy(np.array(array)) for key, array in arrays.items()}
        content = weights.get("items.content")
        module = module_of(
            config,
            len(met),
            content,
            _words_of(weights),
            network_of(config),
            mask="hidden" in weights,
            n_kinds=len(weights["kinds"]) if "kinds" in weights else 1,
            timed="gaps" in weights,
        )
        module.load_state_dict(weights)
        return cls(name, module.eval(), config, kind_weight, met)


def _words_of(weights: dict[str, Tensor]) -> Words | None:
    if "items.words" not in weights:
        return None
    codes, starts, shares = (weights[f"items.word_{name}"] for name in ("codes", "starts", "weights"))
    return Words(codes, starts, shares, len(weights["items.words"]))


def module_of(
    config: SequenceConfig,
    n_items: int,
    content: Tensor | None,
    words: Words | None,
    network: nn.Module,
    *,
    mask: bool,
    n_kinds: int,
    timed: bool,
) -> NextItems:
    items = ItemEmbedding(n_items, config.width, content, words, ids=config.ids, layers=config.item_layers)
    return NextItems(items, network, config.width, mask=mask, n_kinds=n_kinds, timed=timed)


def _asking(history: Any, mask: int) -> Batch:
    """The rows with one hidden event behind each: the question of a bidirectional network."""
    lengths = history.lengths + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ends = offsets[1:] - 1
    own = np.ones(offsets[-1], bool)
    own[ends] = False

    def spread(values: Any, at_end: Any) -> Any:
        out = np.empty(offsets[-1], values.dtype)
        out[own], out[ends] = values, at_end
        return out

    newest_event = history.offsets[1:] - 1
    longer = type(history)(
        spread(history.items, mask),
        offsets,
        None if history.time is None else spread(history.time, history.time[newest_event]),
        spread(history.kind, history.kind[newest_event]),
        spread(history.value, 1.0),
    )
    return as_batch(longer)
