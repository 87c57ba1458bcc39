"""The settings of a project, as foretaste.toml holds them."""

from __future__ import annotations

from foretaste.config import Config
from foretaste.data.kinds import EventKind


class DataConfig(Config):
    events: str
    """File or folder of events, from the folder of foretaste.toml."""
    user: str
    """Column with the id of who did it."""
    item: str
    """Column with the id of what it was done to."""
    time: str | None = None
    """Column with the time; without one, the order of the rows counts."""
    time_format: str = "iso"
    """iso, s, ms, us, ns (since 1970), excel (days), or a pattern like %d.%m.%Y %H:%M."""
    time_zone: str = "UTC"
    """Of times that do not name one themselves."""
    kind: str | None = None
    """Column with the kind of event."""
    value: str | None = None
    """Column with a rating, an amount, a share watched."""
    default_kind: str = "interaction"
    """Kind of every event where there is no such column."""
    items: str | None = None
    """File with one row per item."""
    item_key: str | None = None
    """Column of the item file with the item's id."""
    title: str | None = None
    """Column of the item file that people read first."""
    users: str | None = None
    """File with one row per user."""
    user_key: str | None = None
    """Column of the user file with the user's id."""


class ProjectConfig(Config):
    name: str
    data: DataConfig
    kinds: tuple[EventKind, ...] = ()
    """What each kind of event means; kinds not listed have their usual meaning."""
    kind_names: dict[str, str] = {}
    """Words of the kind column to kinds: addtocart = "cart"."""
