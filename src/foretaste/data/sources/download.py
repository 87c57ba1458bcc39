"""One file from its official address: resumed where it broke off, checked, and whole or not there.

A file is written to NAME.part; what it is a part of (the server's validator) stands in NAME.part.json, so that a later
attempt, even of another process, goes on where this one ended. Only a file that is complete and has the right checksum
gets its name. Where no checksum is published, the SHA-256 of the first file seen is kept in checksums.json, and later
copies must be the same: trust on first use.
"""

from __future__ import annotations

import json
import shutil
import socket
import time
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import file_digest
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from foretaste.errors import DataError
from foretaste.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.sources.source import Progress, RemoteFile

ATTEMPTS = 4
PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 60
BLOCK = 2**20
CHECKSUMS = "checksums.json"
LATER = (408, 425, 429, 500, 502, 503, 504)
"""Answers that mean 'try again'."""


class _Https(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to something anybody on the way can change."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError(f"it sends us on to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(file: RemoteFile, folder: Path, progress: Progress, terms: str = "") -> Path:
    """The file in `folder`, fetched if it is not there; DataError says what to do where it cannot be had.

    terms : where a person can look if the address has moved
    """
    path = folder / file.name
    if found := next((folder / name for name in (file.name, *file.also) if (folder / name).is_file()), None):
        _check(file, found, found.name)
        return found
    if file.address is None:
        raise DataError(f"There is no {path}.")
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    by_hand = f"You may also fetch {file.address} yourself, put it at {path}, and ask again."
    for attempt in range(ATTEMPTS):
        before = _size(part)
        try:
            _go_on(file.address, part, progress)
            break
        except urllib.error.HTTPError as error:
            if error.code == 416:  # our part is longer than the file: it is of another one
                part.unlink(missing_ok=True)
            elif error.code not in LATER or attempt == ATTEMPTS - 1:
                where = f"; see {terms}" if terms else ""
                host = urlsplit(file.address).hostname
                said = f"{host} answers {error.code} ({error.reason}) to {file.address}{where}. {by_hand}"
                raise DataError(said) from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            unknown = isinstance(reason, socket.gaierror)  # no such host: no network, and waiting will not help
            if unknown or (attempt == ATTEMPTS - 1 and _size(part) == before):
                host = urlsplit(file.address).hostname or file.address
                raise DataError(
                    f"{file.name} is not here and {host} cannot be reached ({reason}); are you offline? {by_hand}"
                ) from None
        time.sleep(PAUSE_SECONDS * 2**attempt)
    else:
        raise DataError(
            f"{file.name} broke off {ATTEMPTS} times, {_size(part):,} bytes are kept; ask again to go on. {by_hand}"
        )
    try:
        _check(file, part, file.name)
    except DataError:
        _forget(part)
        raise
    part.replace(path)
    _forget(part)
    return path


def _go_on(address: str, part: Path, progress: Progress) -> None:
    """Fetch what is missing behind the end of the part; raises URLError where the answer ends early."""
    about = part.with_name(part.name + ".json")
    known = _read_json(about)
    start = _size(part) if known.get("address") == address and known.get("validator") else 0
    headers = {"User-Agent": "foretaste", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known["validator"]}
    opener = urllib.request.build_opener(_Https)
    with opener.open(urllib.request.Request(address, headers=headers), timeout=TIMEOUT_SECONDS) as answer:
        if getattr(answer, "status", 200) != 206:
            start = 0  # another file, or a server that cannot go on: from the beginning
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("text/html"):
            raise DataError(f"{address} sends a web page and no file: a log-in or a form? Fetch it in a browser.")
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else 0
        free = shutil.disk_usage(part.parent).free
        if total - start > free:
            raise DataError(
                f"{part.name.removesuffix('.part')} needs {total - start:,} bytes and {part.parent} has {free:,} left; "
                "make room, or set FORETASTE_CACHE to a larger disk."
            )
        # A weak validator promises no equal bytes, so nothing could be gone on from.
        etag = answer.headers.get("ETag") or ""
        validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified") or ""
        about.write_text(json.dumps({"address": address, "validator": validator}), encoding="utf-8")
        done = _copy(answer, part, start, total, progress)
    if total and done < total:
        raise urllib.error.URLError(f"the answer ended after {done:,} of {total:,} bytes")


def _copy(answer: IO[bytes], part: Path, start: int, total: int, progress: Progress) -> int:
    done, what = start, f"fetching {part.name.removesuffix('.part')} (MB)"
    with part.open("r+b" if start else "wb") as out:
        out.seek(start)
        while block := answer.read(BLOCK):
            out.write(block)
            done += len(block)
            progress(what, done >> 20, max(total >> 20, (done >> 20) + 1))
    progress(what, 1, 1)
    return done


def _check(file: RemoteFile, path: Path, name: str) -> None:
    """Raise DataError unless the file is the published one, or the one seen first."""
    if file.checksum is not None:
        method, _, expected = file.checksum.partition(":")
        if _digest(path, method) != expected:
            raise DataError(
                f"{path.name.removesuffix('.part')} has another {method} checksum than {expected}: it is damaged or "
                f"another file. Delete {path}, if it is there, and ask again; if that does not help, the publisher "
                "changed it."
            )
        return
    record_path = path.parent / CHECKSUMS
    record = _read_json(record_path)
    found = _digest(path, "sha256")
    first = record.setdefault(
        name,
        {"sha256": found, "bytes": _size(path), "address": file.address, "first": datetime.now(UTC).date().isoformat()},
    )
    if first["sha256"] != found:
        raise DataError(
            f"{name} is another file than on {first['first']} (SHA-256 {found[:12]}…, then {first['sha256'][:12]}…). "
            f"If its publisher changed it on purpose, delete its entry in {record_path} and ask again."
        )
    write_atomically(record_path, json.dumps(record, indent=2) + "\n")


def _digest(path: Path, method: str) -> str:
    with path.open("rb") as file:
        return file_digest(file, method).hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _read_json(path: Path) -> dict[str, Any]:
    with suppress(FileNotFoundError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".json").unlink(missing_ok=True)
