"""The secret key of a store: pseudonyms and encrypted names are made with it and cannot be reversed without it."""

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
"""First word of a key file; its number rises with the format."""

SHORT = 16
"""Bytes of a pseudonym: a collision becomes likely at about 2^64 users (birthday bound)."""
NONCE = 12
FORM = b"\x01"
"""First byte of an encrypted text; its number rises with the cipher."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Subkeys of one secret, one per purpose, so that outputs for one purpose reveal nothing about another."""

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
        """The pseudonym of a user: HMAC-SHA256 of the id, 16 bytes."""
        return digest(self._person, user.encode(), "sha256")[:SHORT]

    def event(self, event_id: bytes) -> bytes:
        """The key of an event: keyed BLAKE2b of the client's id, which may contain user names; 16 bytes.

        As secure as HMAC-SHA256 here and several times as fast, which counts, as every event needs one.
        """
        return blake2b(event_id, digest_size=SHORT, key=self._event).digest()

    def erased(self, user: str) -> bytes:
        """The mark of an erased user, by which their earlier events in old files and late retries are rejected.

        It differs from the pseudonym, so it links to nothing else in the store or in an older copy of it.
        """
        return digest(self._erased, user.encode(), "sha256")[:SHORT]

    def seal(self, text: str, owner: bytes) -> bytes:
        """Encrypt a text of the row `owner` with AES-256-GCM; in another row it does not decrypt.

        A format byte, a random nonce, the ciphertext and its tag. A project encrypts one name per user, far below the
        2^32 messages per key at which random nonces of 12 bytes may repeat.
        """
        nonce = secrets.token_bytes(NONCE)
        return FORM + nonce + AESGCM(self._cipher).encrypt(nonce, text.encode(), FORM + owner)

    def unseal(self, sealed: bytes, owner: bytes) -> str:
        """Decrypt what `seal` returned; StoreError where it was changed, moved or encrypted with another key."""
        form, nonce, body = sealed[:1], sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
        try:
            return AESGCM(self._cipher).decrypt(nonce, body, form + owner).decode()
        except (InvalidTag, ValueError):
            raise StoreError(
                "A sealed name of the event store does not open; the file is damaged, or its key is another."
            ) from None

    def fingerprint(self) -> bytes:
        """A hash that identifies the key without revealing it; a store keeps it to detect a wrong key on opening."""
        return digest(self.secret, b"foretaste fingerprint", "sha256")[:8]


def read_keys(path: Path) -> Keys:
    """The keys in a key file; StoreError if it is no key file, FileNotFoundError if there is none."""
    words = path.read_text(encoding="ascii", errors="replace").split()
    with suppress(ValueError):
        if len(words) == 2 and words[0] == HEADER:
            return Keys.of(bytes.fromhex(words[1]))
    raise StoreError(f"{path} is not a key file of foretaste; put back the one that was made with the event store.")


def make_keys(path: Path) -> Keys:
    """New keys in a file that only its owner may read; two processes at once both get those of the first."""
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
