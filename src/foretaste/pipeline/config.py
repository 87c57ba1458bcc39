"""What a pipeline is made of, as settings."""

from __future__ import annotations

from typing import Any

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from foretaste.config import Config
from foretaste.errors import ConfigError
from foretaste.registry import DEFAULT_RECALLS, FALLBACK, STAGES, model_spec


class RecallConfig(Config):
    """One source of candidates."""

    model: str
    """Its name in the registry, and in every answer."""
    settings: dict[str, Any] = {}
    """Settings of the model; its defaults where nothing is said."""
    weight: NonNegativeFloat = 1.0
    """How much its ranks count in the merge, beside the other sources."""

    @field_validator("model")
    @classmethod
    def _known(cls, name: str) -> str:
        model_spec(name)
        return name


class StageConfig(Config):
    """One step between the merge and the answer."""

    stage: str
    """Its name in the registry, and in every trace."""
    settings: dict[str, Any] = {}
    """Settings of the stage; its defaults where nothing is said."""

    @field_validator("stage")
    @classmethod
    def _known(cls, name: str) -> str:
        STAGES.spec(name)
        return name


class PipelineConfig(Config):
    recalls: tuple[RecallConfig, ...] = tuple(RecallConfig(model=name) for name in DEFAULT_RECALLS)
    """The sources, each asked for `depth` items; those of weight 0 are not asked, and one at least has more."""
    depth: PositiveInt = 200
    merge_constant: PositiveFloat = 60.0
    """The k of reciprocal rank fusion: the larger, the less the first ranks stand out."""
    stages: tuple[StageConfig, ...] = ()
    """What is done to the merged candidates, in this order; each stage once."""

    @field_validator("recalls")
    @classmethod
    def _some_source(cls, recalls: tuple[RecallConfig, ...]) -> tuple[RecallConfig, ...]:
        names = [recall.model for recall in recalls]
        if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise ConfigError(f"recalls: '{repeated[0]}' stands there more than once; a pipeline has each source once.")
        if not any(recall.weight > 0 for recall in recalls):
            raise ConfigError(
                f"recalls: no source has a weight above 0, so nothing could be offered; name one, such as '{FALLBACK}'."
            )
        return recalls

    @field_validator("stages")
    @classmethod
    def _each_once(cls, stages: tuple[StageConfig, ...]) -> tuple[StageConfig, ...]:
        names = [config.stage for config in stages]
        if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise ConfigError(f"stages: '{repeated[0]}' stands there more than once; a pipeline has each stage once.")
        return stages
