"""API keys: shown once, stored as hashes, refused as soon as they are revoked."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from foretaste.errors import ConfigError, UnknownNameError
from foretaste.serving.http import keys as keys_module
from foretaste.serving.http.keys import FORM, KeyFile


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "LOOK_AGAIN_SECONDS", 0.0)


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile.of_project(tmp_path)


def test_a_key_is_known_by_itself_and_by_nothing_else(keys: KeyFile) -> None:
    made = keys.create("shop", ("read", "write"))
    other = keys.create("shop", ("read",))
    found = keys.key_of(made.secret)
    assert found is not None
    assert (found.id, found.name, found.scopes) == (made.key.id, "shop", ("read", "write"))
    swapped = made.secret[:16] + other.secret[16:]  # the id of one with the secret of the other
    changed = made.secret[:-1] + ("A" if made.secret[-1] != "A" else "B")
    for wrong in ("", "x", swapped, changed, made.secret + "A", made.secret.upper(), found.hashes[0].sha256):
        assert keys.key_of(wrong) is None


def test_the_file_holds_no_secret_and_only_its_owner_reads_it(keys: KeyFile) -> None:
    secrets = [keys.create(f"client {i}", ("read",)).secret for i in range(3)]
    text = keys.path.read_text()
    for secret in secrets:
        assert secret not in text
        assert secret.rpartition("_")[2] not in text
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_secrets_carry_256_random_bits_each(keys: KeyFile) -> None:
    secrets = {keys.create("shop", ("read",)).secret for _ in range(20)}
    assert len({secret[16:] for secret in secrets}) == 20
    for secret in secrets:
        assert FORM.fullmatch(secret)
        assert len(secret[16:]) * 6 >= 256


def test_scopes_allow_what_they_say_and_admin_everything(keys: KeyFile) -> None:
    reader, writer = keys.create("r", ("read",)).key, keys.create("w", ("write",)).key
    admin = keys.create("a", ("admin",)).key
    assert [reader.allows(scope) for scope in keys_module.SCOPES] == [True, False, False]
    assert [writer.allows(scope) for scope in keys_module.SCOPES] == [False, True, False]
    assert [admin.allows(scope) for scope in keys_module.SCOPES] == [True, True, True]


def test_a_revoked_key_is_refused_by_a_service_that_runs(keys: KeyFile) -> None:
    running = KeyFile(keys.path)
    made = keys.create("shop", ("read",))
    assert running.key_of(made.secret) is not None
    keys.revoke("shop")
    assert running.key_of(made.secret) is None
    assert running.exists()  # keys are still required: revoking the last key must not open the service


def test_rotation_may_leave_the_old_key_some_time(keys: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(keys_module.time, "time", lambda: now)
    first = keys.create("shop", ("write",))
    second = keys.rotate("shop", keep_old_seconds=60)
    assert second.key.id == first.key.id
    assert second.key.scopes == ("write",)
    assert keys.key_of(first.secret) is not None
    assert keys.key_of(second.secret) is not None
    now += 61
    assert keys.key_of(first.secret) is None
    third = keys.rotate("shop")
    assert keys.key_of(second.secret) is None
    assert keys.key_of(third.secret) is not None


def test_names_that_are_not_there_or_twice_are_said(keys: KeyFile) -> None:
    with pytest.raises(UnknownNameError, match="no keys yet"):
        keys.revoke("shop")
    keys.create("shop", ("read",))
    with pytest.raises(UnknownNameError, match="Did you mean 'shop'"):
        keys.rotate("shpo")
    keys.create("shop", ("read",))
    with pytest.raises(UnknownNameError, match="2 keys are called 'shop'; use the id instead"):
        keys.revoke("shop")


def test_bad_names_and_scopes_are_refused(keys: KeyFile) -> None:
    with pytest.raises(ConfigError, match="needs a name"):
        keys.create(" ", ("read",))
    with pytest.raises(ConfigError, match="scopes among read, write, admin"):
        keys.create("shop", ("reed",))  # type: ignore[arg-type]


def test_a_damaged_file_closes_the_service_rather_than_opening_it(keys: KeyFile) -> None:
    secret = keys.create("shop", ("read",)).secret
    keys.path.write_text("{")
    with pytest.raises(ConfigError, match="it is damaged"):
        KeyFile(keys.path).key_of(secret)


def test_many_at_once_lose_no_key(keys: KeyFile) -> None:
    threads = [
        threading.Thread(target=lambda i=i: KeyFile(keys.path).create(f"c{i}", ("read",)))  # type: ignore[misc]
        for i in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key.name for key in keys.all()) == sorted(f"c{i}" for i in range(12))
