"""Pseudonyms and seals: stable, different for each key, and impossible to undo or to move without it."""

from __future__ import annotations

import hashlib
import hmac
import stat
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from foretaste.errors import StoreError
from foretaste.privacy.keys import Keys, make_keys, read_keys

if TYPE_CHECKING:
    from pathlib import Path

KEYS, OTHERS = Keys.of(bytes(range(32))), Keys.of(bytes(32))


def test_a_pseudonym_is_hmac_sha256_of_the_id() -> None:
    subkey = hmac.new(bytes(range(32)), b"foretaste person", hashlib.sha256).digest()
    assert KEYS.pseudonym("ann") == hmac.new(subkey, b"ann", hashlib.sha256).digest()[:16]


def test_a_seal_is_aes_gcm_with_its_own_subkey() -> None:
    """Opened here with nothing of ours: form byte, nonce of 12 bytes, ciphertext and tag, bound to form and owner."""
    secret, owner, text = bytes(range(32)), b"owner", "ann " * 30
    sealed = KEYS.seal(text, owner)
    key = hmac.new(secret, b"foretaste cipher", hashlib.sha256).digest()
    assert sealed[:1] == b"\x01"
    assert AESGCM(key).decrypt(sealed[1:13], sealed[13:], b"\x01" + owner).decode() == text


@given(text=st.text(st.characters(codec="utf-8"), max_size=100), owner=st.binary(max_size=16))
def test_what_is_sealed_opens_again_and_never_looks_alike(text: str, owner: bytes) -> None:
    one, two = KEYS.seal(text, owner), KEYS.seal(text, owner)
    assert one != two
    assert KEYS.unseal(one, owner) == KEYS.unseal(two, owner) == text


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_seal_does_not_open(at: int, bit: int) -> None:
    sealed = bytearray(KEYS.seal("ann@example.org", b"her row"))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(StoreError, match="does not open"):
        KEYS.unseal(bytes(sealed), b"her row")


def test_a_seal_opens_neither_for_another_row_nor_with_another_key() -> None:
    sealed = KEYS.seal("ann", b"her row")
    for keys, owner in ((KEYS, b"his row"), (OTHERS, b"her row")):
        with pytest.raises(StoreError, match="does not open"):
            keys.unseal(sealed, owner)


def test_what_is_made_for_one_purpose_is_of_no_use_for_another() -> None:
    made = [KEYS.pseudonym("ann"), KEYS.event(b"ann"), KEYS.erased("ann"), KEYS.fingerprint()]
    made += [OTHERS.pseudonym("ann"), OTHERS.event(b"ann"), OTHERS.erased("ann"), OTHERS.fingerprint()]
    assert len({piece[:8] for piece in made}) == 8
    assert b"\x00\x01\x02\x03" not in repr(KEYS).encode(), "a key never shows in a log"


def test_a_key_file_is_only_its_owners(tmp_path: Path) -> None:
    made = make_keys(tmp_path / "k")
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    assert read_keys(tmp_path / "k") == made
    assert make_keys(tmp_path / "k") == made, "it is never replaced"
    assert [file.name for file in tmp_path.iterdir()] == ["k"]


def test_of_many_who_make_a_key_at_once_all_get_the_same(tmp_path: Path) -> None:
    made: list[Keys] = []
    threads = [threading.Thread(target=lambda: made.append(make_keys(tmp_path / "k"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({keys.fingerprint() for keys in made}) == 1


@pytest.mark.parametrize("text", ["", "foretaste-key-1", "foretaste-key-1 zz", "foretaste-key-2 " + "00" * 32, "é"])
def test_another_file_is_no_key(tmp_path: Path, text: str) -> None:
    (tmp_path / "k").write_text(text)
    with pytest.raises(StoreError, match="is not a key file of foretaste"):
        read_keys(tmp_path / "k")


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("foretaste-key-1 00ff")
    with pytest.raises(StoreError, match="A key is 32 bytes, and this one is 2"):
        read_keys(tmp_path / "k")


def test_a_drive_without_links_gets_a_key_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    made = make_keys(tmp_path / "k")
    assert make_keys(tmp_path / "k") == made
    assert [file.name for file in tmp_path.iterdir()] == ["k"]
