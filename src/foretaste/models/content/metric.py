"""`content` in a space learned from histories: which of the ways in which items are alike matter to these people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from foretaste.errors import DataError
from foretaste.features.items import ItemFeatures, fused
from foretaste.features.spaces import Whitening, main_directions, unit
from foretaste.models.content.content import Content, ContentConfig
from foretaste.models.content.tfidf import Tfidf
from foretaste.models.encoder_tuning.config import ContrastiveConfig
from foretaste.models.saving import read_model, write_model
from foretaste.training.config import TrainingConfig

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import FloatArray, IntArray, Run

SPACE, WORDS = "space", "words"


class MetricConfig(ContentConfig):
    half_life_events: PositiveFloat = 3.0
    words: NonNegativeInt = 256
    """Directions of the catalogue's own words beside what the language model says; 0 leaves the words out."""
    word_weight: NonNegativeFloat = 0.5
    """How loudly the words speak at the start, where the language model speaks with 1."""
    shrinkage: Annotated[float, Field(gt=0, le=1)] = 0.2
    """How little the spread of the catalogue counts at the start; 1 leaves all directions as they are."""
    contrast: ContrastiveConfig = ContrastiveConfig(temperature=0.1, batches=50)
    """What the space is taught by; the half-life is that of the model."""
    training: TrainingConfig = TrainingConfig(
        epochs=6, least_steps=0, patience=3, batch_events=512, weight_decay=0.0, warm_up_steps=0, averaging=0.98
    )


class Space:
    """vector(i) = M x(i), of length 1, x(i) the language model's and the words' whitened vectors side by side.

    A new item is read like any other: what is learned is about directions, not about items.

    read       : whitening of what `ItemFeatures` says
    words      : tf-idf of the catalogue, its directions (n_words, K), and their whitening; or None
    map        : (D, D) float32 M, learned
    """

    def __init__(self, config: MetricConfig) -> None:
        self.config = config
        self._features = ItemFeatures(config.read)
        self._words: Tfidf | None = None

    def fit(self, train: Dataset, run: Run) -> Self:
        """Everything but the map, which begins as nothing."""
        seen = np.bincount(train.item, minlength=train.n_items) > 0
        self._features = ItemFeatures(self.config.read).fit(train.items, seen)
        self._read = Whitening.of(self._features.vectors(train.items, run), self.config.shrinkage)
        if self.config.words and any(train.items.texts()):
            self._words = Tfidf().fit(train, run)
            assert self._words.vectors is not None
            rows = self._words.vectors
            self._directions = main_directions(rows, self.config.words, run.rng())
            self._said = Whitening.of(unit(rows @ self._directions), self.config.shrinkage)
        self.map = np.eye(self.start(train.items, run).shape[1], dtype=np.float32)
        return self

    def start(self, items: ItemTable, run: Run) -> FloatArray:
        """(n, D) before anything is learned: rows of length 1, 0 where nothing is known of an item."""
        parts, weights = [self._read(self._features.vectors(items, run))], [1.0]
        if self._words is not None:
            parts.append(self._said(unit(self._words.read(items.texts(named=False)) @ self._directions)))
            weights.append(self.config.word_weight)
        return fused(parts, weights)

    def vectors(self, items: ItemTable, run: Run) -> FloatArray:
        return unit(self.start(items, run) @ self.map)

    def of_rows(self, items: ItemTable, rows: IntArray, run: Run) -> FloatArray:
        """(R, D) of some rows of a catalogue."""
        frame = items.frame[rows.tolist()] if items.frame.width else items.frame
        ids = type(items.ids)(items.ids.names.gather(rows))
        return self.vectors(replace(items, ids=ids, frame=frame, places=None), run)

    def save(self, folder: Path | str) -> None:
        self._features.save(folder)
        arrays = {"map": self.map, "mean": self._read.mean, "turn": self._read.turn}
        if self._words is not None:
            self._words.save(Path(folder, WORDS))
            arrays |= {"directions": self._directions, "said_mean": self._said.mean, "said_turn": self._said.turn}
        write_model(Path(folder, SPACE), self.config, arrays)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(Path(folder, SPACE), MetricConfig)
        found = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
        space = cls(config)
        space._features = ItemFeatures.load(folder, config.read)
        space.map, space._read = found["map"], Whitening(found["mean"], found["turn"])
        if "directions" in found:
            space._words = Tfidf.load(Path(folder, WORDS))
            space._directions = found["directions"]
            space._said = Whitening(found["said_mean"], found["said_turn"])
        return space


class Metric(Content):
    """score(i) = cosine of M x(i) with the faded history, M learned so that what followed lies nearer than the rest.

    M begins as the identity over whitened vectors, and contrastive learning moves it (Xing et al. 2002 for the metric;
    van den Oord et al. 2018 for the loss; Yi et al. 2019 for its correction).
    """

    name: ClassVar[str] = "content_metric"
    config_class: ClassVar[type[Any]] = MetricConfig
    grid: ClassVar[tuple[Any, ...]] = (MetricConfig(),)
    epochs: int = 0

    @property
    def refit_config(self) -> MetricConfig:
        """The settings with the number of epochs early stopping found: to learn again from more data, unwatched."""
        training = self.config.training.model_copy(update={"epochs": max(1, self.epochs), "least_steps": 0})
        found: MetricConfig = self.config.model_copy(update={"training": training})
        return found

    def fit(self, train: Dataset, run: Run) -> Self:
        from foretaste.models.encoder_tuning.linear_map import fit_linear_map

        self._take_kinds(train)
        space = Space(self.config).fit(train, run)
        start = space.start(train.items, run)
        if not start.any():
            raise DataError(
                f"The model '{self.name}' reads what items are, and this catalogue says nothing; leave it out."
            )

        def validation_score(learned: FloatArray) -> float:
            self._keep(unit(start @ learned))
            assert run.monitor is not None
            return run.monitor(self)

        contrast = self.config.contrast.model_copy(update={"half_life_events": self.config.half_life_events})
        space.map, self.epochs = fit_linear_map(
            train,
            start,
            contrast,
            self.config.training,
            run,
            validation_score=validation_score if run.monitor else None,
        )
        self.features: Any = space
        self._keep(unit(start @ space.map))
        return self

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        model = super().load(folder)
        model.features = Space.load(folder)
        return model
