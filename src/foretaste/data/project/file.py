"""Reads and writes foretaste.toml, with a comment above every setting."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretaste.data.config import DataConfig, ImpressionConfig, ProjectConfig, RelationConfig, SearchConfig
from foretaste.data.prepare.config import PrepareConfig
from foretaste.data.readers.postgres import is_postgres, without_password
from foretaste.errors import ConfigError
from foretaste.files import check_writable, create_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foretaste.config import Config

FILE_NAME = "foretaste.toml"
_ABOUT_KINDS = """
# What each kind means: sign (1 positive feedback, -1 negative), weight (relative to other kinds), hides_item (whether
# the item is not recommended again afterwards), half_life_days (age at which its weight is halved)."""


def load_project(folder: Path) -> ProjectConfig:
    path = folder / FILE_NAME
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no {path}; write one with: foretaste init FILE -p {folder}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    return ProjectConfig.parse(found, str(path))


def write_project(folder: Path, config: ProjectConfig) -> Path:
    """Write a commented foretaste.toml atomically; an existing one is kept as foretaste.toml.bak.

    A password in an address is left out.
    """
    create_folder(folder)
    path = folder / FILE_NAME
    check_writable(path)
    if path.exists():
        path.replace(folder / f"{FILE_NAME}.bak")
    write_atomically(path, "\n".join(_lines(_seen_from(folder.resolve(), config))) + "\n")
    return path


def _seen_from(folder: Path, config: ProjectConfig) -> ProjectConfig:
    """The settings with paths relative to the folder, so that it can be moved together with its files."""

    def nearby(config: Config, *names: str) -> dict[str, str | None]:
        return {name: _nearby(folder, getattr(config, name)) for name in names}

    data = config.data.model_copy(update=nearby(config.data, "events", "items", "users", "images"))
    relations = {
        name: relation.model_copy(update=nearby(relation, "file", "entities"))
        for name, relation in config.relations.items()
    }
    searches = config.searches and config.searches.model_copy(update=nearby(config.searches, "file"))
    impressions = config.impressions and config.impressions.model_copy(update=nearby(config.impressions, "file"))
    update = {"data": data, "relations": relations, "searches": searches, "impressions": impressions}
    return config.model_copy(update=update)


def _nearby(folder: Path, source: str | None) -> str | None:
    """The path relative to the folder if both share a parent below the root; else unchanged."""
    if source is None or is_postgres(source) or not Path(source).is_absolute():
        return source
    shared = os.path.commonpath([folder, source])
    return source if shared == folder.anchor else os.path.relpath(source, folder)


def _lines(config: ProjectConfig) -> Iterator[str]:
    yield "# What the columns mean. Correct it, then: foretaste check"
    yield f"name = {_quoted(config.name)}"
    yield "\n[data]"
    yield from _settings(config.data, DataConfig)
    for name, relation in config.relations.items():
        yield f"\n# Links between users, between items, or facts of a knowledge graph.\n[relations.{_key(name)}]"
        yield from _settings(relation, RelationConfig)
    if config.searches:
        yield "\n# Search queries of users.\n[searches]"
        yield from _settings(config.searches, SearchConfig)
    if config.impressions:
        yield "\n# Items that users were shown, clicked or not.\n[impressions]"
        yield from _settings(config.impressions, ImpressionConfig)
    if config.kind_names:
        yield "\n# Words of the kind column, and the kinds they mean.\n[kind_names]"
        yield from (f"{_quoted(word)} = {_quoted(kind)}" for word, kind in config.kind_names.items())
    yield from _changed(config)
    if config.prepare == PrepareConfig():
        yield "\n# Preparation of the data before training: none, unless you remove the '#' before a setting."
        yield "# [prepare]"
        for key, field in PrepareConfig.model_fields.items():
            yield f"# {key} = {_quoted(field.default) if field.default is not None else ''}"
    yield _ABOUT_KINDS
    for kind in config.kinds:
        yield "[[kinds]]"
        yield from _pairs(kind.model_dump())


def _settings(config: Config, of: type[Config]) -> Iterator[str]:
    """Every setting below its description; settings without a value as comments."""
    for key, field in of.model_fields.items():
        value = getattr(config, key)
        yield f"# {' '.join((field.description or '').split())}"
        yield f"{key} = {_quoted(value)}" if value is not None else f"# {key} ="


def _changed(config: ProjectConfig) -> Iterator[str]:
    """The remaining sections, if they differ from their defaults."""
    written = {"name", "data", "relations", "searches", "impressions", "kind_names", "kinds"}
    for key, value in config.model_dump(exclude_defaults=True, exclude=written).items():
        yield f"\n[{key}]"
        yield from _pairs(value)


def _pairs(values: dict[str, Any]) -> Iterator[str]:
    return (f"{_key(key)} = {_quoted(value)}" for key, value in values.items() if value is not None)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: Any) -> str:
    """A value as TOML: as JSON, except for inline tables and one character that TOML requires to be escaped."""
    if isinstance(value, str) and is_postgres(value):
        value = without_password(value)
    if isinstance(value, dict):
        return "{" + ", ".join(_pairs(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
