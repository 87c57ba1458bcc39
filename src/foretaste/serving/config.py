"""Settings of lists, the table [serve] of foretaste.toml; and the names of event kinds."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from foretaste.config import Config
from foretaste.data.kinds import DISLIKE, RATING
from foretaste.errors import ConfigError, did_you_mean
from foretaste.pipeline.config import PipelineConfig, StageConfig
from foretaste.registry import NEW_ITEMS, STAGES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from foretaste.data.kinds import Kinds

FILE_NAME = "foretaste.toml"


class SceneConfig(Config):
    """A scene: a place where lists are shown, such as the home page or a basket."""

    hides: tuple[str, ...] | None = None
    """Event kinds after which an item is not recommended again here. Default: as the table of kinds says."""
    filter: dict[str, Any] = {}
    """Filter for every list of this scene, as in a request."""
    fatigue: bool = True
    """Whether items that were shown often without an event are ranked lower here."""
    new_share: float | None = Field(default=None, ge=0, le=0.5)
    """Share of positions reserved for new items. Default: as in [serve]."""


class ServiceConfig(Config):
    called = "it"
    group: str | None = None
    """Column by which items are variants of one product; a list holds the best variant only."""
    fatigue_after: PositiveInt = 3
    """After so many impressions without an event the score is halved; each further impression halves it again."""
    fatigue_half_life_days: PositiveFloat = 7.0
    """Age at which an impression counts half."""
    less_factor: NonNegativeFloat = Field(default=0.5, le=1)
    """Factor on the score of items similar to one that the user disliked."""
    new_share: float = Field(default=0.1, ge=0, le=0.5)
    """Share of positions reserved for items without training events; 0.1 is the last of ten."""
    likes_column: str | None = None
    """Column of labels that users may like. Default: the column whose labels split the catalogue best."""
    approximate_above: PositiveInt = 500_000
    """Catalogue size above which networks use an approximate index (extra `ann`); below, exact search is as fast."""
    remember_searches: bool = False
    """Whether a search with remember=true is stored in the log as an event of the user."""
    answers_kept: NonNegativeInt = 100_000
    """Number of past answers kept for replay; 0 keeps none."""
    answers_days: PositiveFloat = 30.0
    """Age in days at which a kept answer is deleted."""
    scenes: dict[str, SceneConfig] = {}
    """Scenes by name; requests choose one with ?scene=home."""

    stages: tuple[StageConfig, ...] = ()
    """Further stages between the merge and the answer, before those that the settings above configure."""

    @model_validator(mode="after")
    def _stages_that_can_be(self) -> Self:
        """Wrong settings of a stage, and one that stands there twice, are refused before anything is trained."""
        for config in self.stage_configs():
            made = STAGES.load(config.stage)
            made.config_class.parse(config.settings, f"settings of the stage {config.stage}")
        PipelineConfig(stages=self.stage_configs())
        return self

    def stage_configs(self, scene: str | None = None) -> tuple[StageConfig, ...]:
        """The stages between the merge and the answer, in order, with the settings of a scene."""
        fatigue = {"after": self.fatigue_after, "half_life_days": self.fatigue_half_life_days}
        with_fatigue = scene is None or self.scenes[scene].fatigue
        share = None if scene is None else self.scenes[scene].new_share
        new = {"share": self.new_share if share is None else share, **fatigue}
        return (
            *self.stages,
            *((StageConfig(stage="fatigue", settings=fatigue),) if with_fatigue else ()),
            StageConfig(stage="demote_similar", settings={"factor": self.less_factor}),
            *((StageConfig(stage="one_per_group", settings={"column": self.group}),) if self.group else ()),
            StageConfig(stage=NEW_ITEMS, settings=new if with_fatigue else {**new, "after": None}),
        )

    def remarks(self, columns: Collection[str], kinds: Collection[str], *, filters: bool = True) -> list[str]:
        """What the settings name and the project does not have, one sentence each. A column may still come.

        columns : of the catalogue
        kinds   : of events
        filters : whether the filters of scenes are looked at, too
        """
        named = [("[serve] group", self.group), ("[serve] likes_column", self.likes_column)]
        named += [
            (f"[serve.scenes.{name}] filter", column)
            for name, s in self.scenes.items()
            for column in s.filter
            if filters
        ]
        named += [(f"[[serve.stages]] {config.stage}", config.settings.get("column")) for config in self.stages]
        found = [
            f"{FILE_NAME}: {where} = '{column}': the catalogue has no such column."
            f"{did_you_mean(column, columns) if columns else ''}"
            for where, column in named
            if isinstance(column, str) and column not in columns
        ]
        return found + [
            f"{FILE_NAME}: [serve.scenes.{name}] hides = '{kind}': no kind of event is called that."
            f"{did_you_mean(kind, kinds)}"
            for name, scene in self.scenes.items()
            for kind in scene.hides or ()
            if kind not in kinds
        ]

    @classmethod
    def of_project(cls, folder: Path) -> Self:
        """The table [serve] of foretaste.toml. The other tables are not checked: the service does not need them."""
        return cls.parse(_document(folder).get("serve", {}), f"{folder / FILE_NAME}: [serve]")


class KindNames(Config):
    """The shop's names of event kinds, so that clients may use the same names as the files."""

    kind_names: dict[str, str] = {}
    """The shop's names to event kinds: purchase = "buy"."""
    default_kind: str | None = None
    """Kind of events without one, where the bundle knows it; else the first kind of positive weight."""
    dislike_below: float | None = None
    """Ratings below this are dislikes, as in files."""

    @classmethod
    def of_project(cls, folder: Path) -> Self:
        document = _document(folder)
        data = document.get("data")
        data = data if isinstance(data, dict) else {}
        settings = {name: data.get(name) for name in ("default_kind", "dislike_below")}
        settings["kind_names"] = document.get("kind_names", {})
        return cls.parse(settings, str(folder / FILE_NAME))

    def kind(self, name: str | None, value: float | None, kinds: Kinds) -> str:
        """The event kind for a client's name of it (None: the default kind) and the value of the event."""
        if name is not None:
            kind = self.kind_names.get(name, name)
        else:
            kind = self.default_kind if self.default_kind in kinds.names else kinds.names[kinds.usual]
        low = value is not None and self.dislike_below is not None and value < self.dislike_below
        return DISLIKE if low and kind in (RATING, self.default_kind) else kind


def _document(folder: Path) -> dict[str, Any]:
    file = folder / FILE_NAME
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from None
