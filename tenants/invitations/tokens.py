"""Invitation tokens: ``insula_inv_<tenant id><invitation id>_<secret>``, hexadecimal ids.

The token contains its tenant's id, so that row-level security is set before anything is looked up.
"""

import hashlib
import hmac
import re
from typing import Final, NamedTuple
from uuid import UUID

from insula.core.ids import TenantId, new_secret

MAX_LENGTH: Final = 160
_TOKEN: Final = re.compile(r"insula_inv_([0-9a-f]{32})([0-9a-f]{32})_[\w-]{43}", re.ASCII)


class TokenIds(NamedTuple):
    """The ids in a token, unverified."""

    tenant_id: TenantId
    invitation_id: UUID


def new_token(tenant_id: UUID, invitation_id: UUID) -> str:
    """Return a new token for the invitation. It is emailed once and stored only as a hash."""
    return new_secret(f"insula_inv_{tenant_id.hex}{invitation_id.hex}")


def read(token: str) -> TokenIds | None:
    """Return the ids in ``token``, or None if it does not have the form of a token."""
    found = _TOKEN.fullmatch(token)
    return TokenIds(TenantId(UUID(found[1])), UUID(found[2])) if found else None


def digest(token: str) -> bytes:
    """Return the hash of ``token`` that is stored."""
    return hashlib.sha256(token.encode()).digest()


def fits(token: str, stored: bytes) -> bool:
    """Return whether ``stored`` is the token's hash, in constant time."""
    return hmac.compare_digest(digest(token), stored)
