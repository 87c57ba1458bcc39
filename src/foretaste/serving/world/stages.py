"""The stages of a bundle's pipeline as the service is configured now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from foretaste.protocols import ReadsCatalogue, TakesConfig
from foretaste.registry import STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.items import ItemTable
    from foretaste.pipeline.config import StageConfig
    from foretaste.pipeline.pipeline import Pipeline
    from foretaste.protocols import Stage

log = logging.getLogger("foretaste.serving")


def with_stages(pipeline: Pipeline, configs: Sequence[StageConfig], items: ItemTable) -> Pipeline:
    """The pipeline with these stages: the bundle's own where they were saved with these settings, else made anew.

    A stage that has to learn and is not in the bundle with these settings is missing: it is named in every answer,
    which is degraded by it, until the next training.

    items : the catalogue of the pipeline
    """
    saved = {config.stage: config for config in pipeline.config.stages}
    stages: dict[str, Stage] = {}
    missing: list[str] = []
    for config in configs:
        made: Any = STAGES.load(config.stage)
        settings = made.config_class.parse(config.settings, f"settings of the stage {config.stage}")
        known = pipeline.stages.get(config.stage)
        if known is not None and known.config == settings:
            stages[config.stage] = known
        elif known is not None and isinstance(known, TakesConfig):
            stages[config.stage] = known.with_config(settings)
        elif STAGES.spec(config.stage).learns:
            log.warning("The stage '%s' is not in this bundle with these settings; train again.", config.stage)
            missing.append(config.stage)
        else:
            try:
                stage: Any = made(settings)
                if isinstance(stage, ReadsCatalogue):
                    stage = stage.for_items(items)
            except Exception as error:  # of another package, or a column that holds something else
                log.error("The stage '%s' cannot be used: %s", config.stage, error)
                missing.append(config.stage)
                continue
            stages[config.stage] = stage
    gone = [name for name in saved if name not in {config.stage for config in configs}]
    if gone and pipeline.growth is None:
        log.info("Stages of the bundle that the service leaves out: %s.", ", ".join(gone))
    return pipeline.with_stages(stages, tuple(missing))
