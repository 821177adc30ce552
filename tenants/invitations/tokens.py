"""Invitation tokens: ``insula_inv_<tenant id><invitation id>_<secret>``, hexadecimal ids.

The token carries its tenant, so that row-level security can be set before anything is looked up.
"""

import hashlib
import hmac
import re
from typing import Final, NamedTuple
from uuid import UUID

from insula.core.ids import TenantId, new_secret

MAX_LENGTH: Final = 160
_TOKEN: Final = re.compile(r"insula_inv_([0-9a-f]{32})([0-9a-f]{32})_[\w-]{43}", re.ASCII)


class Named(NamedTuple):
    """Which invitation a token is for, as it says itself."""

    tenant_id: TenantId
    invitation_id: UUID


def new_token(tenant_id: UUID, invitation_id: UUID) -> str:
    """Return a fresh token of the invitation's. Mailed once, stored only as a hash."""
    return new_secret(f"insula_inv_{tenant_id.hex}{invitation_id.hex}")


def read(token: str) -> Named | None:
    """Return which invitation ``token`` names, or None for what was never a token."""
    found = _TOKEN.fullmatch(token)
    return Named(TenantId(UUID(found[1])), UUID(found[2])) if found else None


def digest(token: str) -> bytes:
    """Return what is stored of ``token``."""
    return hashlib.sha256(token.encode()).digest()


def fits(token: str, stored: bytes) -> bool:
    """Tell whether ``stored`` is the token's hash, in constant time."""
    return hmac.compare_digest(digest(token), stored)
