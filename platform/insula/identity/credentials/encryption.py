"""Envelope encryption for secrets that must be read back from the database.

Each secret has a data key of its own; the key-encryption key of the settings seals only that, so a
rotation rewraps 32 bytes and leaves the ciphertext alone. Both layers are AES-256-GCM, bound to the
place (table, column, row id) at which the secret stands: moved elsewhere it does not open.

Layout: version (1) | key id (8) | nonce (12) | sealed data key (48) | nonce (12) | ciphertext.
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


class SealBroken(Exception):
    """A sealed secret cannot be opened: altered, moved, or sealed by a key that is not configured."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret stands. A seal made for one place does not open at another."""

    table: str
    column: str
    row_id: str

    def associated_data(self) -> bytes:
        """Return the unambiguous bytes that both layers authenticate."""
        return b"".join(
            len(part).to_bytes(4, "big") + part
            for part in (name.encode() for name in (self.table, self.column, self.row_id))
        )


class Sealer:
    """Seals with the first key-encryption key and opens with any, so that keys can rotate."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != _KEY_LENGTH for key in keys):
            raise ValueError("a key-encryption key is 32 bytes, and there must be at least one")
        self._keys = {_key_id(key): key for key in keys}
        self._current = _key_id(keys[0])

    @classmethod
    def of(cls, setting: SecretStr) -> Self:
        """Return the sealer of a comma-separated list of keys in URL-safe base64, padded or not."""
        texts = [text.strip() for text in setting.get_secret_value().split(",") if text.strip()]
        try:
            return cls(
                [
                    base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
                    for text in texts
                ]
            )
        except (binascii.Error, ValueError) as error:
            raise ValueError("INSULA_AUTH_KEY_ENCRYPTION_KEY must be 32 random bytes as URL-safe base64") from error

    def seal(self, secret: bytes, place: Place) -> bytes:
        """Return ``secret`` sealed for ``place`` under a fresh data key."""
        data_key = secrets.token_bytes(_KEY_LENGTH)
        return self._wrap(data_key, place) + _encrypt(data_key, secret, place)

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Return the secret. Raises SealBroken."""
        return _decrypt(self._unwrap(sealed, place), sealed[_BODY], place)

    def opens(self, sealed: bytes, place: Place) -> bool:
        """Tell whether ``open`` would return."""
        try:
            self.open(sealed, place)
        except SealBroken:
            return False
        return True

    def rewrap(self, sealed: bytes, place: Place) -> bytes:
        """Return the same secret under the current key-encryption key. Raises SealBroken."""
        return self._wrap(self._unwrap(sealed, place), place) + sealed[_BODY]

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether ``sealed`` is under the current key-encryption key."""
        return sealed[_KEY_ID] == self._current

    def _wrap(self, data_key: bytes, place: Place) -> bytes:
        return _VERSION + self._current + _encrypt(self._keys[self._current], data_key, place)

    def _unwrap(self, sealed: bytes, place: Place) -> bytes:
        key = self._keys.get(sealed[_KEY_ID])
        if sealed[:1] != _VERSION or key is None:
            raise SealBroken(f"{place.table}.{place.column} is sealed by a key that is not configured")
        return _decrypt(key, sealed[_WRAPPED], place)


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"insula key id" + key).digest()[:8]


def _encrypt(key: bytes, plain: bytes, place: Place) -> bytes:
    nonce = secrets.token_bytes(_NONCE_LENGTH)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.associated_data())


def _decrypt(key: bytes, sealed: bytes, place: Place) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], place.associated_data())
    except (InvalidTag, ValueError) as error:
        raise SealBroken(f"{place.table}.{place.column} does not open") from error
