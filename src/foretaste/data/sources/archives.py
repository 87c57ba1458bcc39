"""Files out of archives that nobody has to trust.

Nothing is ever unpacked under a name the archive chose, so no entry can climb out of its folder ('zip slip'); an entry
must be a plain file, so no link leads elsewhere; and what comes out is counted while it comes, so an archive that would
unpack to more than a text can be compressed ('bomb') is stopped early.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROWTH = 60
"""Real tables shrink 3 to 20 times; what unpacks to more than this many times its archive is refused."""
ALWAYS = 64 * 2**20
"""Bytes that may come out of any archive, however small: a tiny table of zeros is no attack."""
BLOCK = 2**20
LONGEST_LINE = 16 * 2**20
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a kind of compression Python does not know
    RuntimeError,  # a zip with a password
)


@contextmanager
def opened(archive: Path, member: str = "") -> Iterator[IO[bytes]]:
    """A stream of one file: of `member` in a zip or tar, of the only content of a .gz, of the file itself.

    member : the last part of an entry's path, 'ratings.csv'; the archive must hold exactly one of that name
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                yield packed.open(_only(archive, member, [i.filename for i in packed.infolist() if not i.is_dir()]))
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                plain = {entry.name: entry for entry in tar if entry.isreg()}
                stream = tar.extractfile(plain[_only(archive, member, list(plain))])
                assert stream is not None
                yield stream
        elif _is_gzip(archive):
            with gzip.open(archive) as file:
                yield file  # type: ignore[misc]  # it reads like any binary file
        else:
            with archive.open("rb") as stream:
                yield stream
    except _DAMAGE as error:
        said = str(error).split("\n")[0] or type(error).__name__
        raise DataError(f"{archive} is damaged ({said}); delete it and ask again.") from None


def has_member(archive: Path, member: str) -> bool:
    """Whether a zip or tar has a file of this name; other files have none."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            names = packed.namelist()
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            names = [entry.name for entry in tar if entry.isreg()]
    else:
        return False
    return any(_last(name) == member for name in names)


def unpacked(archive: Path, member: str, scratch: Path) -> Path:
    """One file as a plain file in `scratch`, under its own last name, for readers that want a path."""
    target = scratch / (member or archive.name.removesuffix(".gz"))
    limit = _limit(archive)
    with opened(archive, member) as stream, target.open("wb") as out:
        size = 0
        while block := stream.read(BLOCK):
            size += len(block)
            _stop_bomb(archive, size, limit)
            out.write(block)
    return target


def lines(archive: Path, member: str = "") -> Iterator[bytes]:
    """The lines of one file, without their ends, never more than one in memory."""
    limit, size = _limit(archive), 0
    with opened(archive, member) as stream:
        while line := stream.readline(LONGEST_LINE):
            size += len(line)
            _stop_bomb(archive, size, limit)
            if len(line) == LONGEST_LINE:
                raise DataError(f"{archive} has a line of more than {LONGEST_LINE >> 20} MB; it is no table.")
            yield line.rstrip(b"\r\n")


def content(archive: Path, member: str) -> bytes:
    """A small file whole."""
    return b"\n".join(lines(archive, member)) + b"\n"


def _only(archive: Path, member: str, names: list[str]) -> str:
    found = [name for name in names if _last(name) == member and "__MACOSX" not in name]
    if len(found) != 1:
        held = ", ".join(sorted({_last(name) for name in names})[:12])
        said = "has no" if not found else f"has {len(found)} files called"
        raise DataError(f"{archive} {said} {member} (it holds: {held}); is it the right file?")
    return found[0]


def _last(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _limit(archive: Path) -> int:
    return max(ALWAYS, GROWTH * archive.stat().st_size)


def _stop_bomb(archive: Path, size: int, limit: int) -> None:
    if size > limit:
        raise DataError(
            f"{archive} unpacks to more than {GROWTH} times its size, as no real table does; it was not read further."
        )
