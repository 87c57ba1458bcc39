"""Public data sets by name: `load_source("movielens-100k")`, and `folder:PATH` for folders of Parquet files."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from foretaste.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset


class Source(NamedTuple):
    loader: str
    """'package.module:function', imported when the source is used; the function takes nothing and returns a Dataset."""
    summary: str
    licence: str


SOURCES = {
    "movielens-100k": Source(
        "foretaste.data.sources.movielens:load_100k",
        "100,000 ratings of 1,682 films by 943 people, 1997 to 1998",
        "GroupLens: research use, acknowledge, do not redistribute, no commercial use",
    ),
}


def load_source(name: str) -> Dataset:
    """A public data set by its name, or `folder:PATH`: interactions.parquet and what lies beside it."""
    if name.startswith("folder:"):
        from foretaste.data.sources.folder import load_folder

        return load_folder(Path(name.removeprefix("folder:")).expanduser())
    if name not in SOURCES:
        known = [*SOURCES, "folder:PATH"]
        raise UnknownNameError(f"No public data set is called '{name}'.{did_you_mean(name, known)}")
    module, _, function = SOURCES[name].loader.partition(":")
    loaded: Dataset = getattr(import_module(module), function)()
    return loaded
