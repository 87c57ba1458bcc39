"""Content-based recommendation in a learned metric: a linear map of the item vectors, trained on histories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from foretaste.errors import DataError
from foretaste.features.items import ItemFeatures, weighted_concat
from foretaste.features.vector_ops import Whitening, truncated_svd, unit_rows
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


class ContentMetricConfig(ContentConfig):
    """Settings of `content_metric`."""

    half_life_events: PositiveFloat = 3.0
    """An event of the history counts half as much after this many newer events."""
    words: NonNegativeInt = 256
    """Dimensions of the reduced tf-idf vectors besides those of the language model; 0 leaves them out."""
    word_weight: NonNegativeFloat = 0.5
    """Initial weight of the tf-idf part, relative to 1 for the language model."""
    shrinkage: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Shrinkage of the covariance in the initial whitening; 1 does not whiten."""
    contrast: ContrastiveConfig = ContrastiveConfig(temperature=0.1, batches=50)
    """Contrastive learning of the map; its half-life is set to that of the model."""
    training: TrainingConfig = TrainingConfig(
        epochs=6, least_steps=0, patience=3, batch_events=512, weight_decay=0.0, warm_up_steps=0, averaging=0.98
    )


class MetricSpace:
    """vector(i) = x(i) M of length 1, with x(i) the whitened vectors of language model and tf-idf, concatenated.

    New items are embedded like known ones, since only M is learned.

    map : (D, D) float32 M
    """

    def __init__(self, config: ContentMetricConfig) -> None:
        self.config = config
        self._features = ItemFeatures(config.read)
        self._tfidf: Tfidf | None = None

    def fit(self, train: Dataset, run: Run) -> Self:
        """Fit features, tf-idf and whitening; the map is the identity."""
        seen = np.bincount(train.item, minlength=train.n_items) > 0
        self._features = ItemFeatures(self.config.read).fit(train.items, seen)
        self._feature_whitening = Whitening.of(self._features.vectors(train.items, run), self.config.shrinkage)
        if self.config.words and any(train.items.texts()):
            self._tfidf = Tfidf().fit(train, run)
            assert self._tfidf.vectors is not None
            rows = self._tfidf.vectors
            self._directions = truncated_svd(rows, self.config.words, run.rng())
            self._word_whitening = Whitening.of(unit_rows(rows @ self._directions), self.config.shrinkage)
        self.map = np.eye(self.initial_vectors(train.items, run).shape[1], dtype=np.float32)
        return self

    def initial_vectors(self, items: ItemTable, run: Run) -> FloatArray:
        """(n, D) float32 x: rows of length 1, 0 for items without content."""
        parts, weights = [self._feature_whitening(self._features.vectors(items, run))], [1.0]
        if self._tfidf is not None:
            parts.append(self._word_whitening(unit_rows(self._tfidf.read(items.texts(named=False)) @ self._directions)))
            weights.append(self.config.word_weight)
        return weighted_concat(parts, weights)

    def vectors(self, items: ItemTable, run: Run) -> FloatArray:
        """(n, D) float32 x M: rows of length 1, 0 for items without content."""
        return unit_rows(self.initial_vectors(items, run) @ self.map)

    def of_rows(self, items: ItemTable, rows: IntArray, run: Run) -> FloatArray:
        """(R, D) float32 `vectors` of some rows (R,) of a catalogue."""
        frame = items.frame[rows.tolist()] if items.frame.width else items.frame
        ids = type(items.ids)(items.ids.names.gather(rows))
        return self.vectors(replace(items, ids=ids, frame=frame, places=None), run)

    def save(self, folder: Path | str) -> None:
        self._features.save(folder)
        arrays = {"map": self.map, "mean": self._feature_whitening.mean, "turn": self._feature_whitening.turn}
        if self._tfidf is not None:
            self._tfidf.save(Path(folder, WORDS))
            arrays |= {
                "directions": self._directions,
                "said_mean": self._word_whitening.mean,
                "said_turn": self._word_whitening.turn,
            }
        write_model(Path(folder, SPACE), self.config, arrays)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, arrays = read_model(Path(folder, SPACE), ContentMetricConfig)
        floats = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
        space = cls(config)
        space._features = ItemFeatures.load(folder, config.read)
        space.map, space._feature_whitening = floats["map"], Whitening(floats["mean"], floats["turn"])
        if "directions" in floats:
            space._tfidf = Tfidf.load(Path(folder, WORDS))
            space._directions = floats["directions"]
            space._word_whitening = Whitening(floats["said_mean"], floats["said_turn"])
        return space


class ContentMetric(Content):
    """score(i) = cosine of x(i) M with the recency-weighted user profile in the same space.

    M is initialised as the identity over whitened vectors and trained so that the next item of a history is nearer than
    the other items (metric learning: Xing et al. 2002; InfoNCE loss: van den Oord et al. 2018; logQ correction: Yi et
    al. 2019).

    epochs : the best epoch on validation
    """

    name: ClassVar[str] = "content_metric"
    config_class: ClassVar[type[Any]] = ContentMetricConfig
    grid: ClassVar[tuple[Any, ...]] = (ContentMetricConfig(),)
    epochs: int = 0

    @property
    def refit_config(self) -> ContentMetricConfig:
        """Settings to fit again on all data, without validation: with the best number of epochs."""
        training = self.config.training.model_copy(update={"epochs": max(1, self.epochs), "least_steps": 0})
        config: ContentMetricConfig = self.config.model_copy(update={"training": training})
        return config

    def fit(self, train: Dataset, run: Run) -> Self:
        """Raises DataError where the catalogue has no content."""
        from foretaste.models.encoder_tuning.linear_map import fit_linear_map

        self._take_kinds(train)
        space = MetricSpace(self.config).fit(train, run)
        initial = space.initial_vectors(train.items, run)
        if not initial.any():
            raise DataError(
                f"The model '{self.name}' reads the content of items, and this catalogue has none; leave it out."
            )

        def validation_score(matrix: FloatArray) -> float:
            self._keep(unit_rows(initial @ matrix))
            assert run.monitor is not None
            return run.monitor(self)

        contrast = self.config.contrast.model_copy(update={"half_life_events": self.config.half_life_events})
        space.map, self.epochs = fit_linear_map(
            train,
            initial,
            contrast,
            self.config.training,
            run,
            validation_score=validation_score if run.monitor else None,
        )
        self.features: Any = space
        self._keep(unit_rows(initial @ space.map))
        return self

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        model = super().load(folder)
        model.features = MetricSpace.load(folder)
        return model
