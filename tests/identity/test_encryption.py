"""Encrypted secrets can be decrypted only at their own location, with any configured key."""

import base64
import secrets
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from insula.identity.credentials.encryption import DecryptionFailed, Encryptor, SecretLocation

LOCATION = SecretLocation("signing_key", "private_sealed", "key-1")


def key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def encryptor(*keys: str) -> Encryptor:
    return Encryptor.of(SecretStr(", ".join(keys)))


def test_an_encrypted_secret_can_be_decrypted() -> None:
    ours = encryptor(key())

    encrypted = ours.encrypt(b"secret", LOCATION)

    assert ours.decrypt(encrypted, LOCATION) == b"secret"
    assert b"secret" not in encrypted
    assert ours.encrypt(b"secret", LOCATION) != encrypted


@pytest.mark.parametrize(
    "location",
    [
        SecretLocation("signing_key", "private_sealed", "key-2"),
        SecretLocation("signing_key", "other", "key-1"),
        SecretLocation("other", "private_sealed", "key-1"),
        SecretLocation("signing_keyp", "rivate_sealed", "key-1"),
    ],
)
def test_a_moved_secret_cannot_be_decrypted(location: SecretLocation) -> None:
    ours = encryptor(key())
    encrypted = ours.encrypt(b"secret", LOCATION)

    with pytest.raises(DecryptionFailed):
        ours.decrypt(encrypted, location)
    with pytest.raises(DecryptionFailed):
        ours.rewrap(encrypted, location)


@pytest.mark.parametrize(
    "damage",
    [
        lambda encrypted: encrypted[:-1],
        lambda encrypted: encrypted[:-1] + bytes([encrypted[-1] ^ 1]),
        lambda encrypted: encrypted[:40] + bytes([encrypted[40] ^ 1]) + encrypted[41:],
        lambda encrypted: b"\x02" + encrypted[1:],
        lambda _sealed: b"",
        lambda encrypted: encrypted[:20],
    ],
)
def test_a_damaged_secret_cannot_be_decrypted(damage: Callable[[bytes], bytes]) -> None:
    ours = encryptor(key())
    encrypted = ours.encrypt(b"secret", LOCATION)

    with pytest.raises(DecryptionFailed):
        ours.decrypt(damage(encrypted), LOCATION)


def test_keys_rotate() -> None:
    old, new = key(), key()
    encrypted = encryptor(old).encrypt(b"secret", LOCATION)
    both = encryptor(new, old)
    assert both.decrypt(encrypted, LOCATION) == b"secret"
    assert not both.is_current(encrypted)

    rewrapped = both.rewrap(encrypted, LOCATION)

    assert both.is_current(rewrapped)
    assert encryptor(new).decrypt(rewrapped, LOCATION) == b"secret"
    with pytest.raises(DecryptionFailed):
        encryptor(old).decrypt(rewrapped, LOCATION)


@pytest.mark.parametrize("setting", ["", ",", "short", "é" * 43, "A" * 42, "!" * 43])
def test_a_key_that_is_not_32_bytes_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="32"):
        encryptor(setting)
