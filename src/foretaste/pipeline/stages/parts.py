"""What stages share: being kept on disk without having learned anything, and how many candidates they choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from foretaste.models.saving import read_model, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.config import Config
    from foretaste.data.dataset import Dataset
    from foretaste.types import Run


def headroom(n: int) -> int:
    """So many more candidates than n are looked at where some of n may be demoted or dropped."""
    return 50 + 2 * n


class Stateless:
    """A stage that learns nothing: its settings are all that is kept."""

    config_class: ClassVar[type[Config]]
    learns: ClassVar[bool] = False

    def __init__(self, config: Any = None) -> None:
        self.config: Any = config or self.config_class()

    def fit(self, train: Dataset, run: Run) -> Self:
        return self

    def save(self, folder: Path | str) -> None:
        write_model(folder, self.config, {})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        config, _ = read_model(folder, cls.config_class)
        return cls(config)
