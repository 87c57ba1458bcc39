"""What the parent tells its workers, through the environment: they are new processes that share nothing else."""

from __future__ import annotations

import os

from foretaste.config import Config
from foretaste.serving.settings import ServerConfig

NAME = "FORETASTE_WORKER"


class Handover(Config):
    folder: str
    config: ServerConfig

    def give(self) -> None:
        os.environ[NAME] = self.model_dump_json()

    @classmethod
    def take(cls) -> Handover:
        return cls.model_validate_json(os.environ[NAME])
