"""The secret of a confidential client: ``insula_cs_<client id>_<256 random bits>_<CRC-32>``, in base 36.

The format is that of API keys (``insula.identity.credentials.api_keys``), so one pattern finds secrets in leaked files.
"""

import hashlib
import re
import secrets
from typing import Final
from uuid import UUID

from insula.identity.credentials import base36

PREFIX: Final = "insula_cs_"
PATTERN: Final = r"insula_cs_[0-9a-z]{25}_[0-9a-z]{50}_[0-9a-z]{7}"
"""The pattern for secret scanners."""

_SECRET: Final = re.compile(PATTERN)
_ID: Final = 25  # digits of 128 bits
_WORD: Final = 50  # digits of 256 bits


def new_secret(client_id: UUID) -> str:
    """Return a new secret. It is shown once; only its ``digest_of`` is stored."""
    return base36.with_checksum(
        f"{PREFIX}{base36.written(client_id.int, _ID)}_{base36.written(secrets.randbits(256), _WORD)}"
    )


def is_well_formed(secret: str) -> bool:
    """Return whether the text can be a secret: a mistyped one is refused without a look-up."""
    return base36.is_intact(secret, _SECRET)


def digest_of(secret: str) -> bytes:
    """Return the stored hash of a secret. Its 256 random bits need neither a salt nor a slow hash."""
    return hashlib.sha256(secret.encode()).digest()
