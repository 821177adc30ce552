"""Identifiers: UUIDv7 for rows, prefixed random strings for secrets."""

import secrets
import uuid
from typing import NewType

from insula.core import clock

TenantId = NewType("TenantId", uuid.UUID)
UserId = NewType("UserId", uuid.UUID)
MemberId = NewType("MemberId", uuid.UUID)

RANDOM_BITS = 74


def new_id() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then random bits."""
    return uuid.UUID(int=_bits(secrets.randbits(RANDOM_BITS)))


def id_text(random_bits: int) -> str:
    """Return a UUIDv7 of now as text, with the caller's 74 random bits: much cheaper than a UUID object."""
    digits = f"{_bits(random_bits):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_tenant_id() -> TenantId:
    """Return a fresh id for a tenant."""
    return TenantId(new_id())


def new_user_id() -> UserId:
    """Return a fresh id for a user."""
    return UserId(new_id())


def new_secret(prefix: str) -> str:
    """Return ``prefix`` and 256 random bits, URL-safe. Shown once, stored only as a hash."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def _bits(random: int) -> int:
    milliseconds = int(clock.timestamp() * 1000)
    high = random >> 62
    low = random & ((1 << 62) - 1)
    return (milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low
