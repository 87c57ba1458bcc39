"""How lists are put together, the table [serve] of foretaste.toml; and what events may be called."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from foretaste.config import Config
from foretaste.data.kinds import DISLIKE, RATING
from foretaste.errors import ConfigError
from foretaste.pipeline.config import StageConfig
from foretaste.registry import NEW_ITEMS

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.kinds import Kinds

FILE_NAME = "foretaste.toml"


class SceneConfig(Config):
    """A place where lists are shown: the front page, a basket, 'listen again'."""

    hides: tuple[str, ...] | None = None
    """Kinds of events after which an item is not offered here again; left out, as the table of kinds says."""
    filter: dict[str, Any] = {}
    """What the columns of every item offered here must be, as in a request."""
    fatigue: bool = True
    """Whether what was shown often and ignored sinks here."""
    new_share: float | None = Field(default=None, ge=0, le=0.5)
    """Share of the places kept for new items; left out, as everywhere."""


class ServiceConfig(Config):
    called = "it"
    group: str | None = None
    """Column whose equal values mean variants of one product, of which a list has only the best."""
    fatigue_after: PositiveInt = 3
    """Shown so often without any answer, an item counts half; each further time halves it again."""
    fatigue_half_life_days: PositiveFloat = 7.0
    """Age at which having been shown counts half."""
    less_factor: NonNegativeFloat = Field(default=0.5, le=1)
    """What remains of the score of items similar to one of which a person wanted less."""
    new_share: float = Field(default=0.1, ge=0, le=0.5)
    """Share of the places kept for items that no model has learned yet; 0.1 is the last place of ten."""
    likes_column: str | None = None
    """Column of labels that people may say they like; left out, the one whose labels split the catalogue best."""
    approximate_above: PositiveInt = 500_000
    """Items from which on networks find theirs through an index (extra `ann`); below, looking at all is as fast."""
    remember_searches: bool = False
    """Whether a search that says remember=true is written into the log, as an event of the person who searched."""
    answers_kept: NonNegativeInt = 100_000
    """Answers of which it is written down what they followed from, the newest; 0 writes down nothing."""
    answers_days: PositiveFloat = 30.0
    """How long at most."""
    scenes: dict[str, SceneConfig] = {}
    """Places where lists are shown, by name: ?scene=home."""

    stages: tuple[StageConfig, ...] = ()
    """Further steps between the merge and the answer, before those that the settings above stand for."""

    def stage_configs(self, scene: str | None = None) -> tuple[StageConfig, ...]:
        """What happens between the merge and the answer, in order; in a scene, as its settings say."""
        fatigue = {"after": self.fatigue_after, "half_life_days": self.fatigue_half_life_days}
        tired = scene is None or self.scenes[scene].fatigue
        share = None if scene is None else self.scenes[scene].new_share
        new = {"share": self.new_share if share is None else share, **fatigue}
        return (
            *self.stages,
            *((StageConfig(stage="fatigue", settings=fatigue),) if tired else ()),
            StageConfig(stage="demote_similar", settings={"factor": self.less_factor}),
            *((StageConfig(stage="one_per_group", settings={"column": self.group}),) if self.group else ()),
            StageConfig(stage=NEW_ITEMS, settings=new if tired else {**new, "after": None}),
        )

    @classmethod
    def of_project(cls, folder: Path) -> Self:
        """What foretaste.toml says of it. Only this table is read: a service does not need the rest to be in order."""
        return cls.parse(_document(folder).get("serve", {}), f"{folder / FILE_NAME}: [serve]")


class KindWords(Config):
    """What the shop calls the kinds of events, so that clients may say it as the files do."""

    kind_names: dict[str, str] = {}
    """Words of the shop to kinds: purchase = "buy"."""
    default_kind: str | None = None
    """Kind of events that name none, where the bundle knows it; else the first that says somebody wanted the item."""
    dislike_below: float | None = None
    """Ratings below this are dislikes, as in the files."""

    @classmethod
    def of_project(cls, folder: Path) -> Self:
        document = _document(folder)
        data = document.get("data")
        data = data if isinstance(data, dict) else {}
        words = {name: data.get(name) for name in ("default_kind", "dislike_below")}
        words["kind_names"] = document.get("kind_names", {})
        return cls.parse(words, str(folder / FILE_NAME))

    def kind(self, said: str | None, value: float | None, kinds: Kinds) -> str:
        """The kind an event is of that says this, or nothing, and is worth so much."""
        if said is not None:
            kind = self.kind_names.get(said, said)
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
