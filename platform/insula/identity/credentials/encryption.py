"""Envelope encryption for secrets that must be read back from the database.

Each secret is encrypted with its own data key, and the data key with the key-encryption key of the settings. So a
rotation rewraps 32 bytes and keeps the ciphertext. Both layers are AES-256-GCM with the secret's location (table,
column, row id) as associated data: a secret that was moved elsewhere cannot be decrypted.

Layout: version (1) | key id (8) | nonce (12) | encrypted data key (48) | nonce (12) | ciphertext.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

_VERSION = b"\x01"
_KEY_LENGTH = 32
_KEY_ID = slice(1, 9)
_NONCE_LENGTH = 12
_WRAPPED = slice(9, 69)
_BODY = slice(69, None)


class DecryptionFailed(Exception):
    """A secret cannot be decrypted: it was altered or moved, or its key is not configured."""


@dataclass(frozen=True, slots=True)
class SecretLocation:
    """Where a secret is stored. A secret encrypted for one location cannot be decrypted at another."""

    table: str
    column: str
    row_id: str

    def associated_data(self) -> bytes:
        """Return the associated data of both layers, unambiguous by length prefixes."""
        return b"".join(
            len(part).to_bytes(4, "big") + part
            for part in (name.encode() for name in (self.table, self.column, self.row_id))
        )


class Encryptor:
    """Encrypts with the first key-encryption key and decrypts with any, so that keys can rotate."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        _check(keys)
        self._keys = {_key_id(key): key for key in keys}
        self._current = _key_id(keys[0])

    @classmethod
    def of(cls, setting: SecretStr) -> Self:
        """Return the encryptor for the setting's keys. Raises ValueError."""
        return cls(keys_of(setting))

    def encrypt(self, secret: bytes, location: SecretLocation) -> bytes:
        """Return ``secret`` encrypted for ``location`` with a new data key."""
        data_key = secrets.token_bytes(_KEY_LENGTH)
        return self._wrap(data_key, location) + _encrypt(data_key, secret, location)

    def decrypt(self, encrypted: bytes, location: SecretLocation) -> bytes:
        """Return the secret. Raises DecryptionFailed."""
        return _decrypt(self._unwrap(encrypted, location), encrypted[_BODY], location)

    def can_decrypt(self, encrypted: bytes, location: SecretLocation) -> bool:
        """Return whether ``decrypt`` would succeed."""
        try:
            self.decrypt(encrypted, location)
        except DecryptionFailed:
            return False
        return True

    def rewrap(self, encrypted: bytes, location: SecretLocation) -> bytes:
        """Return the same secret with its data key under the current key-encryption key. Raises DecryptionFailed."""
        return self._wrap(self._unwrap(encrypted, location), location) + encrypted[_BODY]

    def is_current(self, encrypted: bytes) -> bool:
        """Return whether ``encrypted`` uses the current key-encryption key."""
        return encrypted[_KEY_ID] == self._current

    def _wrap(self, data_key: bytes, location: SecretLocation) -> bytes:
        return _VERSION + self._current + _encrypt(self._keys[self._current], data_key, location)

    def _unwrap(self, encrypted: bytes, location: SecretLocation) -> bytes:
        key = self._keys.get(encrypted[_KEY_ID])
        if encrypted[:1] != _VERSION or key is None:
            raise DecryptionFailed(f"{location.table}.{location.column} needs a key that is not configured")
        return _decrypt(key, encrypted[_WRAPPED], location)


def keys_of(setting: SecretStr) -> Sequence[bytes]:
    """Return the keys of a comma-separated list in URL-safe base64, padded or not. Raises ValueError."""
    texts = [text.strip().rstrip("=") for text in setting.get_secret_value().split(",") if text.strip()]
    try:
        keys = [base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True) for text in texts]
        _check(keys)
    except (binascii.Error, ValueError) as error:
        raise ValueError("INSULA_AUTH_KEY_ENCRYPTION_KEY must be 32 random bytes as URL-safe base64") from error
    return keys


def _check(keys: Sequence[bytes]) -> None:
    if not keys or any(len(key) != _KEY_LENGTH for key in keys):
        raise ValueError("a key-encryption key is 32 bytes, and there must be at least one")


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"insula key id" + key).digest()[:8]


def _encrypt(key: bytes, plain: bytes, location: SecretLocation) -> bytes:
    nonce = secrets.token_bytes(_NONCE_LENGTH)
    return nonce + AESGCM(key).encrypt(nonce, plain, location.associated_data())


def _decrypt(key: bytes, encrypted: bytes, location: SecretLocation) -> bytes:
    try:
        return AESGCM(key).decrypt(encrypted[:_NONCE_LENGTH], encrypted[_NONCE_LENGTH:], location.associated_data())
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed(f"{location.table}.{location.column} cannot be decrypted") from error
