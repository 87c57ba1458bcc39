"""A network that has learned what comes next: how it is asked, saved and loaded.

The models (sasrec, hstu, gru4rec, bert4rec, two_tower) hand their network to `learn` and keep what comes back.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.errors import ForetasteError
from foretaste.features.columns import ColumnVectors
from foretaste.features.query_columns import query_column_vectors
from foretaste.features.text import text_encoder
from foretaste.index.topk import recommend_in_blocks, score_in_blocks, set_nan
from foretaste.models.saving import read_model, write_model
from foretaste.models.sequence.searched import Searched
from foretaste.nn.item_embedding import ItemEmbedding, ItemTokens
from foretaste.nn.next_item_network import NextItemNetwork
from foretaste.training.batches import as_batch, positive_events
from foretaste.training.progress import TrainingProgress
from foretaste.types import Queries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from foretaste.models.sequence.config import SequenceConfig
    from foretaste.nn.ragged import Batch
    from foretaste.training.config import TrainingConfig
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Ragged


COLUMNS = "columns.json"
log = logging.getLogger("foretaste.models")
EXPLAINED = 20
"""Events tried as the reason of an offer: each costs a pass through the network."""
READ_TO_EXPLAIN = 50
"""Events read in each of those passes, the newest: with 200, reasons would take 40 ms instead of 10 (docs/log.md)."""


class Trained:
    """A network that has learned, and answers; or several of other seeds, whose scores are averaged.

    The mean of inner products is one inner product of longer vectors, so an ensemble is asked as one network is.

    modules  : M networks
    met      : (n_items,) whether anybody wanted the item in the training data
    judged   : (n_items,) whether the networks can say anything of it: it was met, or has content
    tables   : M × (n_items, width), the rows of the items
    vectors  : (n_items, M · width) float32, those rows side by side, divided by M
    learning : M courses of the learning
    columns  : how what is known of people beside their events is read; None where nothing of it is
    """

    def __init__(
        self,
        name: str,
        modules: Sequence[NextItemNetwork],
        config: SequenceConfig,
        kind_weight: FloatArray,
        met: BoolArray,
        learning: Sequence[TrainingProgress] = (),
        columns: ColumnVectors | None = None,
    ) -> None:
        self.name, self.modules, self.config, self.kind_weight, self.met = name, modules, config, kind_weight, met
        self.judged: BoolArray = met | modules[0].items.has_content().numpy()
        self.bidirectional = modules[0].hidden is not None
        self.learning = learning or [TrainingProgress()]
        self.columns = columns
        self.reads_searches = _reads_searches(config)
        self.refresh()

    @property
    def progress(self) -> TrainingProgress:
        """How the learning went, of the first network where there are several."""
        return self.learning[0]

    @property
    def room(self) -> int:
        """Events read of a history, the newest."""
        return self.config.max_length - self.bidirectional

    def settled_training(self) -> TrainingConfig:
        """The training settings with the number of epochs that early stopping found, the mean of several networks."""
        epochs = max(1, round(sum(one.best_epoch for one in self.learning) / len(self.learning)))
        return self.config.training.model_copy(update={"epochs": epochs, "least_steps": 0})

    def refresh(self) -> None:
        """Take the weights as they are now."""
        with torch.inference_mode():
            for module in self.modules:
                if module.items.ids is not None:
                    module.items.ids[torch.from_numpy(~self.met)] = 0.0  # a row nobody taught says nothing
            self.tables = [module.table() for module in self.modules]
            rows: list[FloatArray] = [table[: len(self.met)].float().cpu().numpy() for table in self.tables]
            self.vectors: FloatArray = rows[0] if len(rows) == 1 else np.hstack(rows) * np.float32(1 / len(rows))

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
        scores: FloatArray = states @ self.vectors.T
        set_nan(scores, ~self.judged)
        if known.all():
            return scores
        everybody = np.full((len(queries), len(self.vectors)), np.nan, np.float32)
        everybody[known] = scores
        return everybody

    def states(self, queries: Queries) -> tuple[FloatArray, BoolArray]:
        """(b, M · width) what each person wants next, for the b people with any wanted event: (B,) bool says which."""
        history = positive_events(queries.history, self.kind_weight).newest(self.room)
        tables, mask = self.tables, len(self.vectors)
        if (searched := self.searched_for(queries.searches)) is not None:
            # The rows of these histories alone: a whole catalogue is not copied for the sake of three searches.
            codes, local = np.unique(history.items, return_inverse=True)
            rows, mask = codes.astype(np.int64), len(codes)
            rows = np.append(rows, len(self.vectors)) if self.bidirectional else rows
            history = replace(history, items=local.astype(np.int32))
            history = searched.after(history, self.room, len(rows), queries.asked_at)
            tables = [searched.behind(table, rows, module) for table, module in zip(tables, self.modules, strict=True)]
        known = history.lengths > 0
        if not known.any():
            return np.zeros((0, self.vectors.shape[1]), np.float32), known
        people = np.flatnonzero(known)
        history = history.take(people)
        asked_at = None if queries.asked_at is None else queries.asked_at[people]
        batch = _asking(history, mask) if self.bidirectional else as_batch(history, asked_at)
        if self.columns is not None and queries.columns:
            vectors = query_column_vectors(queries.columns, self.columns, len(queries))
            batch = batch._replace(user_features=torch.from_numpy(vectors[people]))
        here = batch.to(self.modules[0].device)
        with torch.inference_mode():
            found = [
                module.states(table, here)[here.last].float().cpu().numpy()
                for module, table in zip(self.modules, tables, strict=True)
            ]
        return found[0] if len(found) == 1 else np.hstack(found), known

    def warm(self) -> None:
        """Load the encoder that reads searches; where that fails, searches are not read, and the log says so."""
        try:
            self.searched_for((("ready",),))
        except (ForetasteError, OSError, ImportError) as error:
            log.warning("%s reads no searches here: %s", self.name, error)
            self.reads_searches = False

    def searched_for(self, searches: tuple[tuple[str, ...], ...] | None) -> Searched | None:
        """What B people searched for lately, read by the encoder that read the items; None where that is nothing."""
        if searches is None or not any(searches) or not self.reads_searches:
            return None
        assert self.config.texts is not None
        return Searched.read([some[-self.config.searches :] for some in searches], text_encoder(self.config.texts))

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) how far the score of each item falls when each thing a person did is taken out of the history.

        Of long histories the newest READ_TO_EXPLAIN events are read, and the newest EXPLAINED of them tried; what they
        do not explain nothing does.
        """
        tried = np.arange(max(0, len(history) - EXPLAINED), len(history))
        read = history[-READ_TO_EXPLAIN:]
        rows = [read, *(np.delete(read, h) for h in tried - (len(history) - len(read)))]
        liked = int(np.argmax(self.kind_weight > 0))
        scores = self.score(Queries.guests(rows, liked), np.tile(items, (len(rows), 1)))
        parts = np.zeros((len(items), len(history)), np.float32)
        # Without its only event a history says nothing: then that event says everything.
        parts[:, tried] = (scores[0] - np.nan_to_num(scores[1:])).T
        return np.nan_to_num(parts)

    def save(self, folder: Path | str) -> None:
        weights = {
            f"{_member(number)}{name}": tensor.numpy()
            for number, module in enumerate(self.modules)
            for name, tensor in module.state_dict().items()
            if number == 0 or name not in SHARED
        }
        write_model(folder, self.config, {**weights, "kind_weight": self.kind_weight, "met": self.met})
        if self.columns is not None:
            Path(folder, COLUMNS).write_text(self.columns.to_json(), encoding="utf-8")

    @classmethod
    def load(
        cls, folder: Path | str, name: str, config_class: type[Any], network_of: Callable[[Any], nn.Module]
    ) -> Self:
        config, arrays = read_model(folder, config_class)
        kind_weight, met = arrays.pop("kind_weight").astype(np.float32), arrays.pop("met").astype(bool)
        tensors = {key: torch.from_numpy(np.array(array)) for key, array in arrays.items()}
        modules = []
        for number in range(config.ensemble):
            start = _member(number)
            weights = {key[len(start) :]: tensor for key, tensor in tensors.items() if key.startswith(start)}
            weights |= {key: tensors[key] for key in SHARED if key in tensors}
            module = module_of(
                config,
                len(met),
                weights.get("items.content"),
                _words_of(weights),
                network_of(config),
                mask="hidden" in weights,
                mask_row="masked" in weights,
                beside={name: weights[key] for name in BESIDE if (key := f"items.beside_{name}") in weights},
                met=met,
                n_kinds=len(weights["kinds"]) if "kinds" in weights else 1,
                timed="gaps" in weights,
                known=len(weights["person"]) if "person" in weights else 0,
            )
            # The first has no prefix: a file of one network is as it always was, and holds no other's weights.
            module.load_state_dict({key: weights[key] for key in module.state_dict()})
            modules.append(module.eval())
        columns = None
        if Path(folder, COLUMNS).is_file():
            columns = ColumnVectors.from_json(Path(folder, COLUMNS).read_text(encoding="utf-8"))
        return cls(name, modules, config, kind_weight, met, columns=columns)


BESIDE = ("pictures", "columns", "vectors")
"""Names of what may be known of items beside texts and words."""
SHARED = (
    "items.content",
    "items.word_codes",
    "items.word_starts",
    "items.word_weights",
    *(f"items.beside_{name}" for name in BESIDE),
)
"""What all networks of an ensemble read, and none has learned: written once."""


def _reads_searches(config: SequenceConfig) -> bool:
    """Whether it is to, and the packages of the encoder are here: a bundle holds the vectors of its items, and answers
    on a machine that has no language model."""
    if not config.searches or config.texts is None:
        return False
    return find_spec("wordllama" if config.texts.name == "wordllama" else "sentence_transformers") is not None


def _member(number: int) -> str:
    return "" if number == 0 else f"member{number}."


def _words_of(weights: dict[str, Tensor]) -> ItemTokens | None:
    if "items.words" not in weights:
        return None
    codes, starts, shares = (weights[f"items.word_{name}"] for name in ("codes", "starts", "weights"))
    return ItemTokens(codes, starts, shares, len(weights["items.words"]))


def module_of(
    config: SequenceConfig,
    n_items: int,
    content: Tensor | None,
    words: ItemTokens | None,
    network: nn.Module,
    *,
    mask: bool,
    n_kinds: int,
    timed: bool,
    known: int = 0,
    mask_row: bool = False,
    beside: Mapping[str, Tensor] | None = None,
    met: BoolArray | None = None,
) -> NextItemNetwork:
    items = ItemEmbedding(
        n_items,
        config.width,
        content,
        words,
        ids=config.ids,
        layers=config.item_layers,
        beside=beside,
        fusion=config.fusion,
        met=None if met is None else torch.from_numpy(met),
    )
    return NextItemNetwork(
        items, network, config.width, mask=mask, n_kinds=n_kinds, timed=timed, user_width=known, mask_row=mask_row
    )


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
