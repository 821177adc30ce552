"""Passwords: argon2id in threads, with the same work whether or not the account exists."""

import unicodedata

import anyio.to_thread
from anyio import CapacityLimiter
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
# The hash for unknown accounts: same parameters, of a password that nobody knows.
DECOY = "$argon2id$v=19$m=19456,t=2,p=1$aW5zdWxhLWRlY295LXNhbA$xUMwKeaauHBLjW7azko+nuX+3QVIQwbii8Uy3Bq08NM"
_AT_ONCE = 4  # at 19 MiB each


class Passwords:
    """Hashes and verifies a few at a time, so that a flood of logins exhausts neither memory nor the event loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return the encoded hash of ``password``."""
        return await anyio.to_thread.run_sync(self._hasher.hash, _prepared(password), limiter=self._limiter)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether ``password`` matches; without a hash, take the same time and return False."""
        fits = await anyio.to_thread.run_sync(
            self._fits, password_hash or DECOY, _prepared(password), limiter=self._limiter
        )
        return fits and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Return whether ``password_hash`` was made with other than the current parameters."""
        return self._hasher.check_needs_rehash(password_hash)

    def _fits(self, password_hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


async def hash_password(password: str) -> str:
    """Return the encoded hash of ``password``, for scripts that hash once."""
    return await Passwords().hash(password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether ``password`` matches ``password_hash``; without a hash, take the same time and return False."""
    return await Passwords().verify(password_hash, password)


def _prepared(password: str) -> bytes:
    """Return the same bytes for every Unicode spelling of a password."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
