"""The format of an API key: the ids of tenant and key, a secret, and a checksum that detects typing errors.

``insula_sk_<tenant and key ids>_<256 random bits>_<CRC-32>``, each part in lower-case base 36 and of fixed length, so
that a double click selects a whole key, and one pattern finds keys in leaked files.
"""

import hashlib
import math
import re
import secrets
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from insula.core.errors import Unauthenticated
from insula.core.ids import TenantId
from insula.identity.credentials import base36

PREFIX: Final = "insula_sk_"
PATTERN: Final = r"insula_sk_[0-9a-z]{50}_[0-9a-z]{50}_[0-9a-z]{7}"
"""The pattern for secret scanners."""

_KEY: Final = re.compile(PATTERN)
_WORD: Final = 50  # digits of 256 bits
_ID_BITS: Final = 128


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A well-formed key from a request: the ids that it claims, and the hash to compare."""

    tenant_id: TenantId
    key_id: UUID
    digest: bytes

    scopes: ClassVar[None] = None
    """A key has no scopes: its actions are stored with it."""

    expires_at: ClassVar[float] = math.inf
    """A key's expiry is stored with it, and checked at each use."""

    @property
    def subjects(self) -> frozenset[UUID]:
        """The subjects whose change can end the key's access."""
        return frozenset((self.key_id, self.tenant_id))


def new_key(tenant_id: UUID, key_id: UUID) -> str:
    """Return a key with a new secret. It is shown once; only its ``digest_of`` is stored."""
    return base36.with_checksum(f"{public_part(tenant_id, key_id)}_{base36.written(secrets.randbits(256), _WORD)}")


def public_part(tenant_id: UUID, key_id: UUID) -> str:
    """Return the first part of the key, which identifies it without the secret."""
    return PREFIX + base36.written((tenant_id.int << _ID_BITS) | key_id.int, _WORD)


def read_key(text: str) -> PresentedKey:
    """Parse a key. Raises Unauthenticated for any text that cannot be a key."""
    if not base36.is_intact(text, _KEY):
        raise Unauthenticated
    ids = base36.read(text[len(PREFIX) : len(PREFIX) + _WORD])
    if ids >> (2 * _ID_BITS):
        raise Unauthenticated
    tenant_id, key_id = UUID(int=ids >> _ID_BITS), UUID(int=ids & ((1 << _ID_BITS) - 1))
    return PresentedKey(TenantId(tenant_id), key_id, digest_of(text))


def digest_of(key: str) -> bytes:
    """Return the stored hash of a key. Its 256 random bits need neither a salt nor a slow hash."""
    return hashlib.sha256(key.encode()).digest()
