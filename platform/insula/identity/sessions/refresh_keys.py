"""The server keys that derive a refresh token from its parent."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final, Self
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from insula.identity.credentials.encryption import keys_of

REFRESH_PREFIX: Final = "insula_rt"
_PURPOSE: Final = b"insula refresh tokens"
_KEY_LENGTH: Final = 32


class RefreshKeys:
    """Keys for one purpose, derived from other keys: the first derives new children, each derives its own again."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [HKDF(SHA256(), _KEY_LENGTH, salt=None, info=_PURPOSE).derive(key) for key in keys]

    @classmethod
    def of(cls, setting: SecretStr) -> Self:
        """Return the keys for the setting's key-encryption keys, in their order. Raises ValueError."""
        return cls(keys_of(setting))

    def child(self, parent: str, family: UUID) -> str:
        """Return the child of a token that is exchanged for the first time."""
        return _child(self._keys[0], parent, family)

    def child_again(self, parent: str, family: UUID, child_hash: bytes) -> str | None:
        """Return the child that has this hash, or None if it was derived with a key that is no longer configured."""
        children = (_child(key, parent, family) for key in self._keys)
        return next((child for child in children if hmac.compare_digest(hashed(child), child_hash)), None)


def hashed(token: str) -> bytes:
    """Return the stored hash of a refresh token."""
    return hashlib.sha256(_encoded(token)).digest()


def _child(key: bytes, parent: str, family: UUID) -> str:
    code = hmac.digest(key, family.bytes + _encoded(parent), "sha256")
    return f"{REFRESH_PREFIX}_{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


def _encoded(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")
