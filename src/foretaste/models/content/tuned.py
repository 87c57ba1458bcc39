"""Content-based recommendation with a text encoder that is fine-tuned on the histories of the data set."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from foretaste.errors import DataError
from foretaste.features.adapters import read_adapter
from foretaste.features.items import ItemFeatures
from foretaste.models.content.content import Content, ContentConfig
from foretaste.models.encoder_tuning.config import FineTuneConfig

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import FloatArray, Run

ENCODER = "encoder"
"""Folder of the fine-tuned encoder within the model's folder, so that a bundle is complete."""


class TunedContentConfig(ContentConfig):
    """Settings of `content_tuned`."""

    tuning: FineTuneConfig = FineTuneConfig()
    """Fine-tuning of the encoder. Its encoder, pieces and half-life are set to those of the model."""


class TunedContent(Content):
    """score(i) = cosine of item i with the user profile, in the vector space of an encoder fine-tuned on histories.

    New items are encoded like known ones.

    epochs : the best epoch on validation; the number of epochs where there was no validation
    """

    name: ClassVar[str] = "content_tuned"
    config_class: ClassVar[type[Any]] = TunedContentConfig
    grid: ClassVar[tuple[Any, ...]] = (TunedContentConfig(),)
    epochs: int = 0

    @property
    def refit_config(self) -> TunedContentConfig:
        """Settings to fit again on all data, without validation: with the best number of epochs."""
        tuning = self.config.tuning
        training = tuning.training.model_copy(update={"epochs": max(1, self.epochs), "least_steps": 0})
        config: TunedContentConfig = self.config.model_copy(
            update={"tuning": tuning.model_copy(update={"training": training})}
        )
        return config

    def fit(self, train: Dataset, run: Run) -> Self:
        """Raises DataError where the settings or the catalogue have no texts, or no user has two items with texts."""
        from foretaste.models.encoder_tuning.fine_tune import fine_tune

        read = self.config.read
        if not read.text:
            raise DataError(f"The model '{self.name}' reads texts, and `read.text` is 0; take 'content' instead.")
        self._take_kinds(train)

        def validation_score(vectors: FloatArray) -> float:
            self._keep(vectors)
            assert run.monitor is not None
            return run.monitor(self)

        model_settings = {
            "encoder": read.encoder,
            "pieces": read.pieces,
            "half_life_events": self.config.half_life_events,
        }
        tuned = fine_tune(
            train,
            self.config.tuning.model_copy(update=model_settings),
            run,
            validation_score=validation_score if run.monitor else None,
        )
        self.epochs = tuned.epochs
        return self._read(train, read.model_copy(update={"encoder": tuned.encoder}), run)

    def save(self, folder: Path | str) -> None:
        super().save(folder)
        shutil.copytree(self.features.config.encoder.name, Path(folder, ENCODER), dirs_exist_ok=True)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        model = super().load(folder)
        adapter = read_adapter(Path(folder, ENCODER))
        encoder = model.config.read.encoder.model_copy(update={"name": str(Path(folder, ENCODER))})
        model.features = ItemFeatures.load(folder, model.config.read.model_copy(update={"encoder": encoder}))
        model.epochs = int(adapter.about["epochs"])
        return model
