"""API keys with scopes read, write and admin. Stored beside the log as hashes; a key itself is shown once.

A key is 'ft_' + its id (12 hex digits) + '_' + 256 random bits in base64; SHA-256 of the whole is stored. A slow hash
such as scrypt protects passwords, which can be guessed; 256 random bits cannot be guessed at any speed. It would cost
50 ms per request, and let anyone with wrong keys keep the service busy.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from foretaste.config import Config
from foretaste.errors import ConfigError, UnknownNameError, did_you_mean
from foretaste.files import file_lock, write_atomically
from foretaste.serving.errors import KeysUnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
FORM = re.compile(r"ft_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
FILE = "keys.json"
NOT_FOUND = "missing"
LOOK_AGAIN_SECONDS = 0.5
"""How often a running service checks whether the key file changed."""


class KeyHash(Config):
    sha256: str
    until: float | None = None
    """Seconds since 1970 UTC at which it expires; set for the old secret of a rotated key."""


class ApiKey(Config):
    """One client of the service.

    id : names the key in logs and on the command line; says nothing of the secret
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created: str
    hashes: tuple[KeyHash, ...]
    """Newest first; older ones are valid until they expire after a rotation."""

    def allows(self, scope: Scope) -> bool:
        """`admin` can do everything; `read` and `write` do not include each other."""
        return "admin" in self.scopes or scope in self.scopes


class _Document(Config):
    keys: tuple[ApiKey, ...] = ()


@dataclass(frozen=True)
class NewKey:
    key: ApiKey
    secret: str
    """The whole key, to be shown once: it is not stored."""


class KeyFile:
    """The keys of one project, in one file that only its owner reads. All methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._stamp: object = None
        self._looked = 0.0
        self._keys: dict[str, ApiKey] = {}

    @classmethod
    def of_project(cls, folder: Path) -> KeyFile:
        return cls(folder / FILE)

    def all(self) -> list[ApiKey]:
        return list(_read(self.path).keys)

    def create(self, name: str, scopes: Sequence[str]) -> NewKey:
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise ConfigError("A key needs a name of 1 to 100 printable characters, to tell keys apart.")
        if not scopes or set(scopes) - set(SCOPES):
            raise ConfigError(f"A key needs scopes among {', '.join(SCOPES)}.")
        key_id = secrets.token_hex(6)
        secret = _secret(key_id)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ordered = tuple(scope for scope in SCOPES if scope in scopes)
        key = ApiKey(id=key_id, name=name, scopes=ordered, created=created, hashes=(KeyHash(sha256=_hash(secret)),))
        with file_lock(self.path):
            self._write((*_read(self.path).keys, key))
        return NewKey(key, secret)

    def rotate(self, which: str, keep_old_seconds: float = 0.0) -> NewKey:
        """A new secret for the same client; the old one stays valid for `keep_old_seconds`."""
        with file_lock(self.path):
            keys = _read(self.path).keys
            old = _find(keys, which)
            secret = _secret(old.id)
            now = time.time()
            until = now + keep_old_seconds
            still = [
                hashed.model_copy(update={"until": min(until, hashed.until or until)})
                for hashed in old.hashes
                if keep_old_seconds > 0 and (hashed.until is None or hashed.until > now)
            ]
            new = old.model_copy(update={"hashes": (KeyHash(sha256=_hash(secret)), *still)})
            self._write(tuple(new if key.id == old.id else key for key in keys))
        return NewKey(new, secret)

    def revoke(self, which: str) -> ApiKey:
        """Remove a key; a running service refuses it within a second."""
        with file_lock(self.path):
            keys = _read(self.path).keys
            gone = _find(keys, which)
            self._write(tuple(key for key in keys if key.id != gone.id))
        return gone

    def exists(self) -> bool:
        """Whether the key file exists, even if it has no keys any more."""
        self._refresh()
        return self._stamp != NOT_FOUND

    def key_of(self, secret: str) -> ApiKey | None:
        """The key with this secret, None where there is none; compared in constant time."""
        self._refresh()
        form = FORM.fullmatch(secret)
        key = self._keys.get(form[1]) if form else None
        if key is None:
            return None
        hashed, now = _hash(secret), time.time()
        good = False
        for kept in key.hashes:
            good |= hmac.compare_digest(kept.sha256, hashed) and (kept.until is None or kept.until > now)
        return key if good else None

    def _refresh(self) -> None:
        """Read the file again if it changed, checked at most every LOOK_AGAIN_SECONDS."""
        now = time.monotonic()
        if now - self._looked < LOOK_AGAIN_SECONDS and self._looked:
            return
        with self._lock:
            stamp = _stamp(self.path)
            if stamp != self._stamp or not self._looked:
                self._keys = {key.id: key for key in _read(self.path).keys}
                self._stamp = stamp
            self._looked = now

    def _write(self, keys: tuple[ApiKey, ...]) -> None:
        write_atomically(self.path, _Document(keys=keys).model_dump_json(indent=2) + "\n", private=True)


def _secret(key_id: str) -> str:
    return f"ft_{key_id}_{secrets.token_urlsafe(32)}"


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _find(keys: tuple[ApiKey, ...], which: str) -> ApiKey:
    """By id, or by name where only one key has it."""
    found = [key for key in keys if key.id == which] or [key for key in keys if key.name == which]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownNameError(f"{len(found)} keys are called '{which}'; use the id instead (foretaste keys list).")
    if not keys:
        raise UnknownNameError("This project has no keys yet; create one with foretaste keys create.")
    raise UnknownNameError(f"No key is called '{which}'.{did_you_mean(which, [key.name for key in keys])}")


def _read(path: Path) -> _Document:
    try:
        return _Document.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _Document()
    except (OSError, ValidationError, ValueError, ConfigError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        message = f"The keys in {path} cannot be read ({why}); restore a copy, or create new keys."
        raise KeysUnreadableError(message) from None


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except FileNotFoundError:
        return NOT_FOUND
    return found.st_mtime_ns, found.st_size, found.st_ino
