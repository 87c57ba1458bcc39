"""A network that reads a history and says what comes next: how it is taught, asked, saved and loaded.

The models (sasrec, hstu, gru4rec, bert4rec) hand in their network and keep what comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np
import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from foretaste.config import Config
from foretaste.features.text import TextEncoderConfig, text_encoder
from foretaste.index.topk import recommend_in_blocks, score_in_blocks
from foretaste.models.saving import fitted, read_model, write_model
from foretaste.models.tfidf import Tfidf
from foretaste.nn import losses
from foretaste.nn.items import ItemEmbedding, Words
from foretaste.nn.ragged import TIME_BUCKETS, time_bucket
from foretaste.training.config import TrainingConfig
from foretaste.training.loop import Progress, train
from foretaste.training.rows import Lesson, MaskedEvents, NextEvents, WithNegatives, as_batch, wanted
from foretaste.types import Queries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scipy.sparse import csr_array

    from foretaste.data.dataset import Dataset
    from foretaste.nn.ragged import Batch
    from foretaste.types import BoolArray, Candidates, FloatArray, IntArray, Ragged, Run


EXPLAINED = 20
"""Events tried as the reason of an offer: each costs a pass through the network."""


class LossConfig(Config):
    kind: Literal["softmax", "sampled", "gbce", "bpr"] = "softmax"
    """softmax compares with every item of the catalogue, the others with `negatives`."""
    negatives: PositiveInt = 512
    """Shared by all events of a batch."""
    calibration: float = 0.75
    """t of gbce: 0 is plain cross-entropy, 1 undoes the sampling."""
    most_items: PositiveInt = 200_000
    """A catalogue larger than this takes the sampled softmax instead of the full one, whose cost grows with it."""


class SequenceConfig(Config):
    width: PositiveInt = 64
    max_length: PositiveInt = 50
    """Events read of a history, the newest."""
    windows: bool = False
    """Of longer histories, learn from a window drawn anew each epoch instead of the newest events."""
    texts: TextEncoderConfig | None = None
    """Add what the words of an item say, read by this frozen encoder, to its learned row. None: ids alone."""
    times: bool = True
    """Read how long each event came after the one before, where events have times."""
    words: bool = False
    """Add learned rows of the words of an item, as telling as they are rare. What is learned of a word holds for every
    item that says it, new ones too."""
    ids: bool = True
    """False learns from texts and words alone: an item nobody has met is then as good as any other."""
    item_layers: PositiveInt = 1
    """Of the item tower: 1 is a linear map of what the encoder says into the space of the items."""
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()


class Network(Protocol):
    """x (T, width) embedded events and their batch → (T, width) states. An nn.Module."""

    def __call__(self, x: Tensor, batch: Batch) -> Tensor: ...


class NextItems(nn.Module):
    """The items, and a network over what was done with them: score(i) = state · e(i).

    An event is its item, plus what kind of event it was, plus how long it came after the one before.

    mask    : whether a hidden event stands for what comes next (bidirectional networks)
    n_kinds : of events; one alone says nothing
    timed   : whether the events have times
    """

    def __init__(
        self, items: ItemEmbedding, network: nn.Module, width: int, *, mask: bool, n_kinds: int, timed: bool
    ) -> None:
        super().__init__()
        self.items, self.network = items, network
        self.hidden = nn.Parameter(torch.zeros(1, width)) if mask else None
        self.kinds = nn.Parameter(torch.zeros(n_kinds, width)) if n_kinds > 1 else None
        self.gaps = nn.Parameter(torch.zeros(TIME_BUCKETS, width)) if timed else None

    def table(self) -> Tensor:
        """(n_items, width), and one row more where there is a mask."""
        items = self.items()
        return items if self.hidden is None else torch.cat([items, self.hidden])

    def states(self, table: Tensor, batch: Batch) -> Tensor:
        x = table[batch.items]
        if self.kinds is not None:
            x = x + self.kinds[batch.kind.clamp(max=len(self.kinds) - 1)]
        if self.gaps is not None and (gaps := batch.gaps()) is not None:
            x = x + self.gaps[time_bucket(gaps)]
        states: Tensor = self.network(x, batch)
        return states


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
        module = _module(
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


def learn(
    name: str,
    config: SequenceConfig,
    network_of: Callable[[Any], nn.Module],
    data: Dataset,
    run: Run,
    *,
    measured: Callable[[Trained], float] | None,
    mask_share: float | None = None,
) -> Trained:
    """Teach a network the histories of `data`.

    measured   : the validation score of what has been learned so far, for early stopping
    mask_share : hide this share of the events and ask for them; None asks for every next event
    """
    history = wanted(data.histories(), data.kinds.weights)
    met = np.bincount(history.items, minlength=data.n_items) > 0
    content = None if config.texts is None else torch.from_numpy(content_vectors(data, config.texts, run))
    said = _words(Tfidf().fit(data, run).vectors) if config.words else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        module = _module(
            config,
            data.n_items,
            content,
            said,
            network_of(config),
            mask=mask_share is not None,
            n_kinds=int(history.kind.max(initial=0)) + 1 if len(np.unique(history.kind)) > 1 else 1,
            timed=config.times and history.time is not None,
        )
    lessons: Any
    if mask_share is None:
        lessons = NextEvents(history, config.max_length, config.windows)
    else:
        lessons = MaskedEvents(history, config.max_length, data.n_items, mask_share)
    kind = config.loss.kind
    if kind == "softmax" and data.n_items > config.loss.most_items:
        kind = "sampled"
    if kind != "softmax":
        lessons = WithNegatives(lessons, int(met.sum()), config.loss.negatives)
    loss = _loss(kind, module, met, config)
    trained = Trained(name, module.eval(), config, data.kinds.weights, met)

    def monitor() -> float:
        trained.refresh()
        assert measured is not None
        return measured(trained)

    trained.progress = train(
        module,
        loss,
        lessons,
        config.training,
        run,
        monitor=monitor if measured else None,
        fingerprint=f"{name} {config.model_dump_json()} {data.fingerprint}",
    )
    trained.refresh()
    return trained


def content_vectors(data: Dataset, encoder: TextEncoderConfig, run: Run) -> FloatArray:
    """(n_items, C) rows of length 1, 0 for items without words."""
    texts = data.items.texts()
    written = [i for i, text in enumerate(texts) if text]
    vectors = text_encoder(encoder).encode([texts[i] for i in written] or [""], run)
    content = np.zeros((len(texts), vectors.shape[1]), np.float32)
    content[written] = vectors[: len(written)]
    return content


def _words(rows: csr_array | None) -> Words:
    found = fitted(rows, rows)
    return Words(
        torch.from_numpy(found.indices.astype(np.int64)),
        torch.from_numpy(found.indptr[:-1].astype(np.int64)),
        torch.from_numpy(found.data.astype(np.float32)),
        found.shape[1],
    )


def _words_of(weights: dict[str, Tensor]) -> Words | None:
    if "items.words" not in weights:
        return None
    codes, starts, shares = (weights[f"items.word_{name}"] for name in ("codes", "starts", "weights"))
    return Words(codes, starts, shares, len(weights["items.words"]))


def _module(
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


def _loss(kind: str, module: NextItems, met: BoolArray, config: SequenceConfig) -> Callable[[Lesson], Tensor]:
    """Compared are only items somebody wanted: to push one down because it is new would teach to hide new items."""
    codes = torch.from_numpy(np.flatnonzero(met))
    place = torch.from_numpy(np.cumsum(met) - 1)
    all_met = bool(met.all())
    alpha = min(1.0, config.loss.negatives / max(1, len(codes) - 1))
    t = config.loss.calibration
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    low = torch.bfloat16 if config.training.precision == "bfloat16" else torch.float32

    def loss(lesson: Lesson) -> Tensor:
        table = module.table()
        states = module.states(table, lesson.batch)[lesson.where]
        items = table[: len(met)] if all_met else table[codes]
        targets = place[lesson.targets]
        if kind == "softmax":
            return losses.full_softmax(states, items, targets, low)
        if kind == "sampled":
            return losses.sampled_softmax(states, items, targets, lesson.negatives)
        if kind == "gbce":
            return losses.gbce(states, items, targets, lesson.negatives, beta)
        return losses.bpr(states, items, targets, lesson.negatives)

    return loss


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
