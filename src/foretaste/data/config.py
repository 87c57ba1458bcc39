"""The settings of a project, as foretaste.toml holds them; `project/file.py` reads and writes that file."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator

from foretaste.config import Config
from foretaste.data.kinds import EventKind
from foretaste.data.prepare.config import PrepareConfig
from foretaste.errors import ConfigError


def _known_zone(name: str) -> str:
    known = set() if name == "UTC" else available_timezones()
    if known and name not in known:  # a system may have no table of zones
        near = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        hint = f"Did you mean '{near[0]}'?" if near else "Name it like Europe/Berlin, or UTC."
        raise ConfigError(f"time_zone = '{name}': there is no such time zone. {hint}")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


class DataConfig(Config):
    called = "[data]"
    events: str
    """File or folder of events, from the folder of foretaste.toml; or a database: shop.db, postgresql://USER@HOST/NAME."""
    table: str | None = None
    """Where the events are a database: the table or view that holds them."""
    query: str | None = None
    """Where the events are a database: the SELECT that gives them, instead of a table."""
    user: str
    """Column with the id of the user."""
    item: str
    """Column with the id of the item."""
    time: str | None = None
    """Column with the time; without one, the rows are taken to be in order of time."""
    time_format: str = "iso"
    """iso, s, ms, us, ns (since 1970), excel (days), or a pattern like %d.%m.%Y %H:%M."""
    time_zone: TimeZone = "UTC"
    """Time zone of times that do not state one."""
    kind: str | None = None
    """Column with the kind of event."""
    value: str | None = None
    """Column with a rating, an amount, a share watched."""
    dislike_below: float | None = None
    """Ratings (events of the kind rating, or of default_kind) below this become a dislike: with 3 those of one and two
    stars. Empty: every rating is positive feedback, even the lowest."""
    default_kind: str = "interaction"
    """Kind of every event where there is no such column."""
    items: str | None = None
    """File with one row per item."""
    item_key: str | None = None
    """Column of the item file with the item's id."""
    title: str | None = None
    """Column of the item file with the display name."""
    images: str | None = None
    """Folder of pictures or videos named after their items: 42.jpg, or 42/front.mp4; or a Parquet file of pictures."""
    image: str | None = None
    """Column of the item file with the path or address of the item's picture or video."""
    users: str | None = None
    """File with one row per user."""
    user_key: str | None = None
    """Column of the user file with the user's id."""
    licence: str | None = None
    """Terms of use of the data, in a sentence; they are part of the data card of every trained bundle."""


class RelationConfig(Config):
    called = "A table of [relations]"
    file: str
    """File or table with one row per link."""
    between: Literal["users", "items", "triples"]
    """What is linked: users with users, items with items, or entities of a knowledge graph (triples)."""
    source: str
    """Column with the id a link begins at (of a triple: its head)."""
    target: str
    """Column with the id it leads to (of a triple: its tail)."""
    relation: str | None = None
    """Column with the label of the link: 'directed by', 'belongs to'."""
    weight: str | None = None
    """Column with the weight of the link; without one, all weights are 1."""
    entities: str | None = None
    """File that maps items to entities of the knowledge graph; without one, they have the same ids."""
    entity_item: str | None = None
    """Column of that file with the item's id."""
    entity: str | None = None
    """Column of that file with the entity's id."""


class SearchConfig(Config):
    called = "[searches]"
    file: str
    """File or table with one row per search."""
    user: str
    """Column with the id of the user."""
    text: str
    """Column with the text of the search."""
    time: str | None = None
    """Column with the time; searches without one are not used in an evaluation."""
    time_format: str = "iso"
    """As for the events."""
    time_zone: TimeZone = "UTC"
    """As for the events."""


class ImpressionConfig(Config):
    called = "[impressions]"
    file: str
    """File or table with one row per item shown to a user."""
    user: str = "user"
    """Column with the id of the user."""
    item: str = "item"
    """Column with the id of the item."""
    time: str | None = None
    """Column with the time; impressions without one belong to no training part of a split."""
    time_format: str = "iso"
    """As for the events."""
    time_zone: TimeZone = "UTC"
    """As for the events."""
    position: str | None = None
    """Column with the place in the list, 1 the first."""
    scene: str | None = None
    """Column with the scene in which the list was shown: home, basket."""
    recommendation_id: str | None = None
    """Column with the recommendation_id of the list."""
    propensity: str | None = None
    """Column with the probability, above 0 and at most 1, with which this item was shown here."""


class ProjectConfig(Config):
    called = "it"
    name: str
    data: DataConfig
    kinds: tuple[EventKind, ...] = ()
    """The meaning of each kind of event; kinds not listed have their usual meaning."""
    relations: dict[str, RelationConfig] = {}
    """Further tables by name: friends, similar products, a knowledge graph."""
    searches: SearchConfig | None = None
    """Search queries of users."""
    impressions: ImpressionConfig | None = None
    """Items that users were shown, clicked or not."""
    kind_names: dict[str, str] = {}
    """Words of the kind column to kinds: addtocart = "cart"."""
    prepare: PrepareConfig = PrepareConfig()
    """Preparation of the data before training; by default none."""
    serve: dict[str, Any] = {}
    """Settings of the service: groups of variants, scenes, fatigue; see docs/service.md."""
