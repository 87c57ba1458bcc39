"""The one secret of a store: pseudonyms and sealed names are made with it, and neither can be undone without it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from hmac import digest
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foretaste.errors import StoreError
from foretaste.privacy.files import put_in_place

if TYPE_CHECKING:
    from pathlib import Path

KEY_FILE = "foretaste.key"
KEY_BYTES = 32
HEADER = "foretaste-key-1"
"""First word of a key file; another way of making keys gets another number."""

SHORT = 16
"""Bytes of a pseudonym: 2^64 people before two of them are likely to meet."""
NONCE = 12
FORM = b"\x01"
"""First byte of a sealed text; another cipher gets another number."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Subkeys of one secret, one for each purpose, so that what is made for one says nothing about another."""

    secret: bytes
    _person: bytes
    _event: bytes
    _erased: bytes
    _cipher: bytes

    @classmethod
    def of(cls, secret: bytes) -> Keys:
        if len(secret) != KEY_BYTES:
            raise StoreError(f"A key is {KEY_BYTES} bytes, and this one is {len(secret)}; restore the right key file.")
        purposes = (b"person", b"event", b"erased", b"cipher")
        return cls(secret, *(digest(secret, b"foretaste " + purpose, "sha256") for purpose in purposes))

    def pseudonym(self, user: str) -> bytes:
        """What the store calls a person: HMAC-SHA256 of the id, 16 bytes."""
        return digest(self._person, user.encode(), "sha256")[:SHORT]

    def event(self, event_id: bytes) -> bytes:
        """What the store calls an event, since a client's ids may be made of people's names: keyed BLAKE2b.

        It is as good as HMAC-SHA256 for this and several times as fast, and there is one for each event.
        """
        return blake2b(event_id, digest_size=SHORT, key=self._event).digest()

    def erased(self, user: str) -> bytes:
        """The mark an erased person leaves, so that old files and late retries cannot bring them back.

        It is no pseudonym: nothing else in the store, nor in any older copy of it, is called by it.
        """
        return digest(self._erased, user.encode(), "sha256")[:SHORT]

    def seal(self, text: str, owner: bytes) -> bytes:
        """AES-256-GCM of a text that belongs to the row `owner`; moved to another row it no longer opens.

        A form byte, a random nonce, the ciphertext and its tag. A project seals one name per person: far from the 2^32
        messages at which random nonces of 12 bytes begin to be too many for one key.
        """
        nonce = secrets.token_bytes(NONCE)
        return FORM + nonce + AESGCM(self._cipher).encrypt(nonce, text.encode(), FORM + owner)

    def unseal(self, sealed: bytes, owner: bytes) -> str:
        form, nonce, body = sealed[:1], sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
        try:
            return AESGCM(self._cipher).decrypt(nonce, body, form + owner).decode()
        except (InvalidTag, ValueError):
            raise StoreError(
                "A sealed name of the event store does not open; the file is damaged, or its key is another."
            ) from None

    def fingerprint(self) -> bytes:
        """Names the key without giving it away; the store keeps it, to notice a wrong key before any harm is done."""
        return digest(self.secret, b"foretaste fingerprint", "sha256")[:8]


def read_keys(path: Path) -> Keys:
    """The key in a file; StoreError if it is no key file, FileNotFoundError if it is not there."""
    words = path.read_text(encoding="ascii", errors="replace").split()
    with suppress(ValueError):
        if len(words) == 2 and words[0] == HEADER:
            return Keys.of(bytes.fromhex(words[1]))
    raise StoreError(f"{path} is not a key file of foretaste; put back the one that was made with the event store.")


def make_keys(path: Path) -> Keys:
    """A new key in a file that only its owner may read; of two processes at once, both get the first one's."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    file = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(file, "w", encoding="ascii") as out:
            out.write(f"{HEADER} {secrets.token_hex(KEY_BYTES)}\n")
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            put_in_place(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return read_keys(path)
