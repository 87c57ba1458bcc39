"""`content` by a language model that first learns what the people of this very catalogue take together."""

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
"""The folder of the taught encoder beside the model's own files, so that a bundle has all it needs."""


class TunedContentConfig(ContentConfig):
    tuning: FineTuneConfig = FineTuneConfig()
    """How the encoder is taught. Which one, what is read of an item, and the half-life are those of the model."""


class TunedContent(Content):
    """score(i) = cosine of item i with the faded history, in the space of an encoder fine-tuned on histories.

    A new item is read like any other: what was learned is about words, not about items.

    epochs : after which the encoder was best on validation; all of them where nobody watched
    """

    name: ClassVar[str] = "content_tuned"
    config_class: ClassVar[type[Any]] = TunedContentConfig
    grid: ClassVar[tuple[Any, ...]] = (TunedContentConfig(),)
    epochs: int = 0

    @property
    def refit_config(self) -> TunedContentConfig:
        """The settings with the number of epochs early stopping found: to learn again from more data, unwatched."""
        tuning = self.config.tuning
        training = tuning.training.model_copy(update={"epochs": max(1, self.epochs), "least_steps": 0})
        found: TunedContentConfig = self.config.model_copy(
            update={"tuning": tuning.model_copy(update={"training": training})}
        )
        return found

    def fit(self, train: Dataset, run: Run) -> Self:
        from foretaste.models.encoder_tuning.fine_tune import fine_tune

        read = self.config.read
        if not read.text:
            raise DataError(f"The model '{self.name}' reads texts, and `read.text` is 0; take 'content' instead.")
        self._take_kinds(train)

        def validation_score(vectors: FloatArray) -> float:
            self._keep(vectors)
            assert run.monitor is not None
            return run.monitor(self)

        of_the_model = {
            "encoder": read.encoder,
            "pieces": read.pieces,
            "half_life_events": self.config.half_life_events,
        }
        tuned = fine_tune(
            train,
            self.config.tuning.model_copy(update=of_the_model),
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
        taught = read_adapter(Path(folder, ENCODER))
        encoder = model.config.read.encoder.model_copy(update={"name": str(Path(folder, ENCODER))})
        model.features = ItemFeatures.load(folder, model.config.read.model_copy(update={"encoder": encoder}))
        model.epochs = int(taught.about["epochs"])
        return model
