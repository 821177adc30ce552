"""The form of an API key: whose it is, a secret, and a checksum that tells it from a typing error.

``insula_sk_<tenant and key ids>_<256 random bits>_<CRC-32>``, each part in lower-case base 36 and of
fixed length, so that a key is one word to double-click on and one pattern to search leaked files for.
"""

import hashlib
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
"""What a secret scanner looks for."""

_KEY: Final = re.compile(PATTERN)
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE: Final = len(_DIGITS)
_WORD: Final = 50  # digits of 256 bits
_CHECK: Final = 7  # digits of 32 bits
_ID_BITS: Final = 128


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A well-formed key that somebody presents: whose it claims to be, and the hash to compare."""

    tenant_id: TenantId
    key_id: UUID
    digest: bytes

    scopes: ClassVar[None] = None
    """No scope limits a key: its actions are stored with it."""


def new_key(tenant_id: UUID, key_id: UUID) -> str:
    """Return a key with a fresh secret, to be shown once and stored as its ``digest_of``."""
    body = f"{public_part(tenant_id, key_id)}_{_written(secrets.randbits(256), _WORD)}"
    return f"{body}_{_written(zlib.crc32(body.encode()), _CHECK)}"


def public_part(tenant_id: UUID, key_id: UUID) -> str:
    """Return what the key begins with, whatever its secret: enough to find it by, and to tell anybody."""
    return PREFIX + _written((tenant_id.int << _ID_BITS) | key_id.int, _WORD)


def read_key(text: str) -> PresentedKey:
    """Return what ``text`` says. Raises Unauthenticated for whatever could never have been a key."""
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
    """Return what is stored of a key. Its 256 random bits need neither salt nor a slow hash."""
    return hashlib.sha256(key.encode()).digest()


def _written(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, _BASE)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
