"""The format of an API key: the ids of tenant and key, a secret, and a checksum that detects typing errors.

``insula_sk_<tenant and key ids>_<256 random bits>_<CRC-32>``, each part in lower-case base 36 and of fixed length, so
that a double click selects a whole key, and one pattern finds keys in leaked files.
"""

import hashlib
import math
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from insula.core.errors import Unauthenticated
from insula.core.ids import TenantId

PREFIX: Final = "insula_sk_"
PATTERN: Final = r"insula_sk_[0-9a-z]{50}_[0-9a-z]{50}_[0-9a-z]{7}"
"""The pattern for secret scanners."""

_KEY: Final = re.compile(PATTERN)
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE: Final = len(_DIGITS)
_WORD: Final = 50  # digits of 256 bits
_CHECK: Final = 7  # digits of 32 bits
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
    body = f"{public_part(tenant_id, key_id)}_{_written(secrets.randbits(256), _WORD)}"
    return f"{body}_{_written(zlib.crc32(body.encode()), _CHECK)}"


def public_part(tenant_id: UUID, key_id: UUID) -> str:
    """Return the first part of the key, which identifies it without the secret."""
    return PREFIX + _written((tenant_id.int << _ID_BITS) | key_id.int, _WORD)


def read_key(text: str) -> PresentedKey:
    """Parse a key. Raises Unauthenticated for any text that cannot be a key."""
    if not _KEY.fullmatch(text):
        raise Unauthenticated
    body, _, checksum = text.rpartition("_")
    if int(checksum, _BASE) != zlib.crc32(body.encode()):
        raise Unauthenticated
    ids = int(body[len(PREFIX) : len(PREFIX) + _WORD], _BASE)
    if ids >> (2 * _ID_BITS):
        raise Unauthenticated
    tenant_id, key_id = UUID(int=ids >> _ID_BITS), UUID(int=ids & ((1 << _ID_BITS) - 1))
    return PresentedKey(TenantId(tenant_id), key_id, digest_of(text))


def digest_of(key: str) -> bytes:
    """Return the stored hash of a key. Its 256 random bits need neither a salt nor a slow hash."""
    return hashlib.sha256(key.encode()).digest()


def _written(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, _BASE)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
