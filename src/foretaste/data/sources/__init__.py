"""Public data sets by name: `load_source("movielens-1m")`, `load_source("amazon-2023:Video_Games")`; a folder; a file.

One small file reads each family; `catalogue.py` is the table of all. What they share: `download.py` (resumed, checked),
`licences.py` (shown, accepted once), `archives.py` (no archive is trusted), `cache.py` (read once, then Parquet).
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretaste.data.sources.catalogue import SOURCES as SOURCES
from foretaste.data.sources.source import Fetched, Progress, RemoteFile, Tables
from foretaste.data.sources.source import Source as Source
from foretaste.errors import DataError, UnknownNameError, did_you_mean
from foretaste.notebook import auto_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from foretaste.data.dataset import Dataset


def load_source(name: str, *, accept_licence: bool = False, progress: Progress | None = None) -> Dataset:
    """A public data set by its name; `folder:PATH`, interactions.parquet and what lies beside it; or a file of events.

    accept_licence : the caller has read and accepted the licence in `SOURCES`; FORETASTE_ACCEPT_LICENCE says the same,
                     and a terminal is asked. Once is enough: it is written down beside the cache
    progress       : called with (what, done, total); a bar on a terminal and in a notebook where nothing is given
    """
    if name.startswith("folder:"):
        from foretaste.data.sources.folder import load_folder

        return load_folder(Path(name.removeprefix("folder:")).expanduser())
    if name.partition(":")[0] not in SOURCES and Path(name).exists():
        from foretaste.data.read import read

        return read(name)
    from foretaste.data.sources.cache import is_kept, keep, opened, scratch_beside

    family, choice, source = find_source(name)
    folder = _kept_in(name)
    if not is_kept(folder):
        tables: Tables | None = _function(source.installed)() if source.installed else None
        if tables is not None:
            keep(folder, tables, name, source, ())
        else:
            ready(name, accept_licence=accept_licence)  # a question to a person, so before any bar is drawn
            with nullcontext(progress) if progress else auto_progress() as report:
                files = _files(family, choice, source, report)
                with scratch_beside(folder) as scratch, _one_sentence(name, files):
                    found: Tables = _function(source.reader)(Fetched(files, scratch, choice, report))
                    keep(folder, found, name, source, files)
    return opened(folder, name)


def find_source(name: str) -> tuple[str, str, Source]:
    """The family a name belongs to, the category behind its colon ('' for none), and the line of the table."""
    family, _, choice = name.partition(":")
    if family not in SOURCES and ("/" in name or Path(name).suffix):
        raise DataError(f"There is no file {name}; name one that is there, or a public data set: foretaste sources.")
    if family not in SOURCES:
        raise UnknownNameError(
            f"No public data set is called '{name}'.{did_you_mean(name, [*SOURCES, 'folder:PATH', 'FILE'])}"
        )
    source = SOURCES[family]
    if source.choices and choice not in source.choices:
        asked = f"{family} has no category '{choice}'." if choice else f"Name a category: {family}:{source.choices[0]}."
        raise UnknownNameError(asked + did_you_mean(choice, source.choices))
    if choice and not source.choices:
        raise UnknownNameError(f"{family} has no categories; ask for {family} alone.")
    return family, choice, source


def downloads_folder(family: str) -> Path:
    """Where the files of a data set lie as they were published; files fetched by hand go there too."""
    from foretaste.data.sources.cache import cache_root

    return cache_root() / "downloads" / family


def ready(name: str, *, accept_licence: bool = False) -> None:
    """Whether a data set may be read now: its files are here, or its licence is accepted, on a terminal by asking.

    DataError says what a person must do otherwise. What is cached, a folder or a file needs nothing.
    """
    from foretaste.data.sources.cache import cache_root
    from foretaste.data.sources.licences import ensure_accepted

    if name.partition(":")[0] not in SOURCES:
        return
    family, choice, source = find_source(name)
    if is_cached(name) or (source.installed and _function(source.installed)() is not None):
        return
    folder = downloads_folder(family)
    wanted = [file.of(choice) for file in source.files]
    missing = [file for file in wanted if not _has(folder, file)]
    if missing and source.by_hand:
        names = " and ".join(file.name + (f" (or {', '.join(file.also)})" if file.also else "") for file in missing)
        folder.mkdir(parents=True, exist_ok=True)
        raise DataError(
            f"{family} must be fetched by a person. {source.by_hand} Put {names} into {folder} and ask again. "
            f"Licence: {source.licence}"
        )
    if missing:
        ensure_accepted(family, source, cache_root(), accept_licence)


def is_cached(name: str) -> bool:
    """Whether a public data set was read before, so that it takes no network and no question."""
    from foretaste.data.sources.cache import is_kept

    return is_kept(_kept_in(name))


def _kept_in(name: str) -> Path:
    from foretaste.data.sources.cache import cache_root

    return cache_root() / name.replace(":", "-")


def _files(family: str, choice: str, source: Source, progress: Progress) -> tuple[Path, ...]:
    from foretaste.data.sources.download import download

    folder, wanted = downloads_folder(family), [file.of(choice) for file in source.files]
    hint = f" {source.offline}" if source.offline else ""
    try:
        return tuple(download(file, folder, progress, source.terms) for file in wanted)
    except DataError as error:
        raise DataError(f"{error}{hint}") from None


@contextmanager
def _one_sentence(name: str, files: tuple[Path, ...]) -> Iterator[None]:
    """What polars or a reader says of a file of another shape, for a person."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, ValueError, KeyError, IndexError) as error:
        said = str(error).split("\n")[0]
        where = ", ".join(str(path) for path in files)
        raise DataError(
            f"{name} has another shape than was published ({type(error).__name__}: {said}). Are these the right files: "
            f"{where}?"
        ) from None


def _has(folder: Path, file: RemoteFile) -> bool:
    return any((folder / name).is_file() for name in (file.name, *file.also))


def _function(path: str) -> Callable[..., Any]:
    """What stands at 'package.module:function'."""
    module, _, function = path.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
