"""A trained next-item network, or an ensemble of them: recommend, score, explain, save and load.

Made by `training.fit.fit_network` for the models sasrec, hstu, gru4rec, bert4rec and two_tower.
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
from foretaste.models.sequence.search_events import SearchEvents
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
MAX_EXPLAINED_EVENTS = 20
"""Newest events whose contributions are computed: each costs a forward pass."""
MAX_EVENTS_TO_EXPLAIN = 50
"""Newest events read in each of these passes: with 200, reasons would take 40 ms instead of 10 (docs/log.md)."""


class TrainedNetwork:
    """score(i) = state · vectors[i]; with M networks of different seeds, the mean of their scores.

    The mean of M inner products is one inner product of concatenated vectors, so an ensemble is queried like a single
    network.

    modules         : M networks
    kind_weight     : (n_kinds,) float32 sign × weight of each event kind
    seen_items      : (n_items,) whether the item has a positive event in the training data
    scorable        : (n_items,) whether the item has a score: it was seen in training, or has content
    bidirectional   : whether a query is a mask token behind the history (BERT4Rec)
    tables          : M × (n_items, width) item embeddings
    vectors         : (n_items, M · width) float32, the embeddings of all networks concatenated, divided by M
    member_progress : M training progresses
    columns         : encoding of user columns; None where the model reads none
    """

    def __init__(
        self,
        name: str,
        modules: Sequence[NextItemNetwork],
        config: SequenceConfig,
        kind_weight: FloatArray,
        seen_items: BoolArray,
        member_progress: Sequence[TrainingProgress] = (),
        columns: ColumnVectors | None = None,
    ) -> None:
        self.name, self.modules, self.config, self.kind_weight = name, modules, config, kind_weight
        self.seen_items = seen_items
        self.scorable: BoolArray = seen_items | modules[0].items.has_content().numpy()
        self.bidirectional = modules[0].hidden is not None
        self.member_progress = member_progress or [TrainingProgress()]
        self.columns = columns
        self.reads_searches = _reads_searches(config)
        self.refresh()

    @property
    def progress(self) -> TrainingProgress:
        """Training progress of the (first) network."""
        return self.member_progress[0]

    @property
    def max_events(self) -> int:
        """How many of the newest events of a history are read."""
        return self.config.max_length - self.bidirectional

    def refit_training(self) -> TrainingConfig:
        """The training settings with the best number of epochs (an ensemble: the mean), to fit without validation."""
        epochs = max(1, round(sum(one.best_epoch for one in self.member_progress) / len(self.member_progress)))
        return self.config.training.model_copy(update={"epochs": epochs, "least_steps": 0})

    def refresh(self) -> None:
        """Recompute `tables` and `vectors` from the current weights."""
        with torch.inference_mode():
            for module in self.modules:
                if module.items.ids is not None:
                    module.items.ids[torch.from_numpy(~self.seen_items)] = 0.0  # untrained random rows
            self.tables = [module.table() for module in self.modules]
            rows: list[FloatArray] = [table[: len(self.seen_items)].float().cpu().numpy() for table in self.tables]
            self.vectors: FloatArray = rows[0] if len(rows) == 1 else np.hstack(rows) * np.float32(1 / len(rows))

    def recommend(
        self, queries: Queries, k: int, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        n = len(self.vectors)
        return recommend_in_blocks(self._score_all, queries, k, n, self.name, exclude=exclude, allowed=allowed)

    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        return score_in_blocks(self._score_all, queries, items, len(self.vectors))

    def _score_all(self, queries: Queries) -> FloatArray:
        """(B, n_items); nan for queries without positive events, and for items that are not scorable."""
        states, has_events = self.states(queries)
        scores: FloatArray = states @ self.vectors.T
        set_nan(scores, ~self.scorable)
        if has_events.all():
            return scores
        all_rows = np.full((len(queries), len(self.vectors)), np.nan, np.float32)
        all_rows[has_events] = scores
        return all_rows

    def states(self, queries: Queries) -> tuple[FloatArray, BoolArray]:
        """(b, M · width) float32 states of the b queries with any positive event or search; (B,) which these are."""
        history = positive_events(queries.history, self.kind_weight).newest(self.max_events)
        tables, mask = self.tables, len(self.vectors)
        if (searches := self.read_searches(queries.searches)) is not None:
            # Only the rows of these histories, so that the whole table is not copied for a few searches.
            codes, local = np.unique(history.items, return_inverse=True)
            rows, mask = codes.astype(np.int64), len(codes)
            rows = np.append(rows, len(self.vectors)) if self.bidirectional else rows
            history = replace(history, items=local.astype(np.int32))
            history = searches.append_to(history, self.max_events, len(rows), queries.asked_at)
            tables = [searches.extend_table(t, rows, module) for t, module in zip(tables, self.modules, strict=True)]
        has_events = history.lengths > 0
        if not has_events.any():
            return np.zeros((0, self.vectors.shape[1]), np.float32), has_events
        some = np.flatnonzero(has_events)
        history = history.take(some)
        asked_at = None if queries.asked_at is None else queries.asked_at[some]
        batch = _with_mask_token(history, mask) if self.bidirectional else as_batch(history, asked_at)
        if self.columns is not None and queries.columns:
            vectors = query_column_vectors(queries.columns, self.columns, len(queries))
            batch = batch._replace(user_features=torch.from_numpy(vectors[some]))
        batch = batch.to(self.modules[0].device)
        with torch.inference_mode():
            states = [
                module.states(table, batch)[batch.last].float().cpu().numpy()
                for module, table in zip(self.modules, tables, strict=True)
            ]
        return states[0] if len(states) == 1 else np.hstack(states), has_events

    def warm(self) -> None:
        """Load the text encoder for searches; where that fails, searches are ignored from now on, with a warning."""
        try:
            self.read_searches((("ready",),))
        except (ForetasteError, OSError, ImportError) as error:
            log.warning("%s reads no searches here: %s", self.name, error)
            self.reads_searches = False

    def read_searches(self, searches: tuple[tuple[str, ...], ...] | None) -> SearchEvents | None:
        """The latest searches of B users, encoded like the texts of items; None where there are none to read."""
        if searches is None or not any(searches) or not self.reads_searches:
            return None
        assert self.config.texts is not None
        return SearchEvents.read([some[-self.config.searches :] for some in searches], text_encoder(self.config.texts))

    def contributions(self, history: IntArray, items: IntArray) -> FloatArray:
        """(K, H) float32 leave-one-out contributions: how far each item's score falls without each event.

        Only the newest MAX_EVENTS_TO_EXPLAIN events are read, and only the newest MAX_EXPLAINED_EVENTS of them have a
        contribution; the others have 0.

        history : (H,) items, oldest first
        items   : (K,)
        """
        removed = np.arange(max(0, len(history) - MAX_EXPLAINED_EVENTS), len(history))
        read = history[-MAX_EVENTS_TO_EXPLAIN:]
        rows = [read, *(np.delete(read, h) for h in removed - (len(history) - len(read)))]
        positive_kind = int(np.argmax(self.kind_weight > 0))
        scores = self.score(Queries.guests(rows, positive_kind), np.tile(items, (len(rows), 1)))
        parts = np.zeros((len(items), len(history)), np.float32)
        # A history of one event has no score without it: the event then contributes the whole score.
        parts[:, removed] = (scores[0] - np.nan_to_num(scores[1:])).T
        return np.nan_to_num(parts)

    def save(self, folder: Path | str) -> None:
        weights = {
            f"{_member_prefix(number)}{name}": tensor.numpy()
            for number, module in enumerate(self.modules)
            for name, tensor in module.state_dict().items()
            if number == 0 or name not in SHARED
        }
        write_model(folder, self.config, {**weights, "kind_weight": self.kind_weight, "met": self.seen_items})
        if self.columns is not None:
            Path(folder, COLUMNS).write_text(self.columns.to_json(), encoding="utf-8")

    @classmethod
    def load(
        cls, folder: Path | str, name: str, config_class: type[Any], network_of: Callable[[Any], nn.Module]
    ) -> Self:
        config, arrays = read_model(folder, config_class)
        kind_weight, seen_items = arrays.pop("kind_weight").astype(np.float32), arrays.pop("met").astype(bool)
        tensors = {key: torch.from_numpy(np.array(array)) for key, array in arrays.items()}
        modules = []
        for number in range(config.ensemble):
            prefix = _member_prefix(number)
            weights = {key[len(prefix) :]: tensor for key, tensor in tensors.items() if key.startswith(prefix)}
            weights |= {key: tensors[key] for key in SHARED if key in tensors}
            module = build_network(
                config,
                len(seen_items),
                weights.get("items.content"),
                _words_of(weights),
                network_of(config),
                masked="hidden" in weights,
                mask_token="masked" in weights,
                modalities={name: weights[key] for name in MODALITIES if (key := f"items.beside_{name}") in weights},
                seen_items=seen_items,
                n_kinds=len(weights["kinds"]) if "kinds" in weights else 1,
                timed="gaps" in weights,
                user_width=len(weights["person"]) if "person" in weights else 0,
            )
            # The first network has no prefix, so its keys are those of the module alone.
            module.load_state_dict({key: weights[key] for key in module.state_dict()})
            modules.append(module.eval())
        columns = None
        if Path(folder, COLUMNS).is_file():
            columns = ColumnVectors.from_json(Path(folder, COLUMNS).read_text(encoding="utf-8"))
        return cls(name, modules, config, kind_weight, seen_items, columns=columns)


MODALITIES = ("pictures", "columns", "vectors")
"""Names of item features besides texts and words."""
SHARED = (
    "items.content",
    "items.word_codes",
    "items.word_starts",
    "items.word_weights",
    *(f"items.beside_{name}" for name in MODALITIES),
)
"""Weights that are not trained and the same for all networks of an ensemble: written once."""


def _reads_searches(config: SequenceConfig) -> bool:
    """Whether the settings ask for searches and the encoder's package is installed. Without it a bundle still answers,
    since it holds the vectors of its items; searches are then ignored."""
    if not config.searches or config.texts is None:
        return False
    return find_spec("wordllama" if config.texts.name == "wordllama" else "sentence_transformers") is not None


def _member_prefix(number: int) -> str:
    return "" if number == 0 else f"member{number}."


def _words_of(weights: dict[str, Tensor]) -> ItemTokens | None:
    if "items.words" not in weights:
        return None
    codes, starts, shares = (weights[f"items.word_{name}"] for name in ("codes", "starts", "weights"))
    return ItemTokens(codes, starts, shares, len(weights["items.words"]))


def build_network(
    config: SequenceConfig,
    n_items: int,
    text_vectors: Tensor | None,
    words: ItemTokens | None,
    network: nn.Module,
    *,
    masked: bool,
    n_kinds: int,
    timed: bool,
    user_width: int = 0,
    mask_token: bool = False,
    modalities: Mapping[str, Tensor] | None = None,
    seen_items: BoolArray | None = None,
) -> NextItemNetwork:
    """An untrained network: item embeddings and inputs as the settings say, around the body `network`.

    text_vectors, words, modalities, seen_items : as in `training.job.TrainingJob`
    network    : (T, width) embedded events and their batch to (T, width) states
    masked     : whether it is trained on masked events and queried with a mask token (BERT4Rec)
    n_kinds    : event kinds; more than 1 adds an embedding of the kind
    timed      : whether the time between events is read
    user_width : length of the user vectors, 0 for none
    mask_token : whether items of the input may be masked as augmentation
    """
    items = ItemEmbedding(
        n_items,
        config.width,
        text_vectors,
        words,
        ids=config.ids,
        layers=config.item_layers,
        beside=modalities,
        fusion=config.fusion,
        met=None if seen_items is None else torch.from_numpy(seen_items),
    )
    return NextItemNetwork(
        items,
        network,
        config.width,
        mask=masked,
        n_kinds=n_kinds,
        timed=timed,
        user_width=user_width,
        mask_row=mask_token,
    )


def _with_mask_token(history: Any, mask: int) -> Batch:
    """The histories, each with one mask token appended, whose state is the query of a bidirectional network."""
    lengths = history.lengths + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ends = offsets[1:] - 1
    is_event = np.ones(offsets[-1], bool)
    is_event[ends] = False

    def appended(values: Any, last: Any) -> Any:
        out = np.empty(offsets[-1], values.dtype)
        out[is_event], out[ends] = values, last
        return out

    newest_event = history.offsets[1:] - 1
    longer = type(history)(
        appended(history.items, mask),
        offsets,
        None if history.time is None else appended(history.time, history.time[newest_event]),
        appended(history.kind, history.kind[newest_event]),
        appended(history.value, 1.0),
    )
    return as_batch(longer)
