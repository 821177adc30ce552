"""The signing keys: made once for all processes, and encrypted at rest."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import timedelta

import anyio.to_thread
import structlog
from joserfc.jwk import RSAKey
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.core import clock
from insula.core.errors import Unauthenticated
from insula.core.settings import Settings
from insula.db.engine.failures import UNREACHABLE
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE, IDENTITY
from insula.db.engine.shared_load import SharedLoad
from insula.identity.credentials import signing_key_queries as queries
from insula.identity.credentials.encryption import Encryptor, SecretLocation

ALGORITHM = "RS256"
_BITS = 2048
# A retired key verifies until the longest-lived token that it may have signed expires, plus leeway.
_OVERLAP = timedelta(hours=1, minutes=2)
_REREAD_SECONDS = 2.0
_RELOAD_SECONDS = 1.0
"""How long a request waits for a reload when some keys are known; the reload goes on in the background."""
_UNHEARD_SECONDS = 1.0
"""How long the keys are used without a reload while the listener is disconnected, and after a failed reload."""
_log = structlog.get_logger(__name__)

Jwk = Mapping[str, str]


class KeyRing:
    """Signs with the newest key, and verifies with every key that is not long retired.

    ``generation`` grows whenever the keys may have changed; a cache of verified tokens is valid for one generation.
    Registered with the listener as a sink of access changes.

    If a reload fails, the known public keys stay in use: an unreachable database does not make them invalid.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._encryptor = Encryptor.of(settings.auth.key_encryption_key)
        self._public: Mapping[str, RSAKey] | None = None
        self._signer: RSAKey | None = None
        self._loading = SharedLoad(self._load)
        self._loading_signer = SharedLoad(self._load_signer)
        self._stale = True
        self._asked_at = self._failed_at = float("-inf")
        self.generation = 0
        self.listener_alive = False

    async def load(self) -> None:
        """Read the keys, and make the first one if there is none, so that no request waits for it.

        Do nothing while the database is unreachable: then the first request that needs a key reads it.
        """
        try:
            await self.signer()
            await self._public_keys()
        except UNREACHABLE as error:
            _log.warning("signing keys not loaded", reason=type(error).__name__)

    async def close(self) -> None:
        """End the reads that are still running."""
        await self._loading.close()
        await self._loading_signer.close()

    def notify(self, payload: str) -> None:
        """Forget the keys if ``payload`` says that they changed."""
        if payload.startswith("keys:"):
            self.flush()

    def flush(self) -> None:
        """Have the keys read again before their next use, and start a new generation."""
        self.generation += 1
        self._stale = True
        self._failed_at = float("-inf")
        self._signer = None
        self._loading.forget()
        self._loading_signer.forget()

    async def find(self, kid: str) -> RSAKey:
        """Return the public key named ``kid``. Raises Unauthenticated if it is not ours.

        An unknown name causes a reload, at most one every few seconds, however many unknown names arrive.
        """
        key = (await self._public_keys()).get(kid)
        if key is None:
            key = (await self._reread()).get(kid)
        if key is None:
            raise Unauthenticated
        return key

    async def signer(self) -> RSAKey:
        """Return the private key to sign with, and its ``kid``. Makes the first one."""
        return self._signer if self._signer is not None else await self._loading_signer()

    async def _load_signer(self) -> RSAKey:
        generation = self.generation
        async with self._database.unit(IDENTITY) as unit:
            connection = await unit.session.connection()
            key = await self._newest(connection)
            if key is None:
                key = await self._make_first(connection)
        if generation == self.generation:
            self._signer = key
        return key

    async def jwks(self) -> list[Jwk]:
        """Return the public keys as JWKs (RFC 7517), for verifiers elsewhere."""
        return [_public_jwk(key) for key in (await self._public_keys()).values()]

    async def rotate(self, *, distrust: bool = False) -> str:
        """Sign with a new key from now on, and return its ``kid``.

        The earlier keys are retired: tokens that they signed stay valid until they expire. With ``distrust``, for a
        leaked key, they count as long retired, so their tokens become invalid at once.
        """
        key = await _generate()
        async with self._database.unit(IDENTITY) as unit:
            connection = await unit.session.connection()
            await connection.execute(queries.LOCK)
            retired_at = clock.now() - (_OVERLAP if distrust else timedelta())
            await connection.execute(queries.RETIRE, {"retired_at": retired_at})
            await self._insert(connection, key)
        self.flush()
        return _kid(key)

    async def undecryptable(self) -> list[str]:
        """Return the ``kid`` of each signing key that no configured key-encryption key decrypts."""
        async with self._database.unit(IDENTITY) as unit:
            rows = (await (await unit.session.connection()).execute(queries.SIGNING)).all()
        return [row.kid for row in rows if not self._encryptor.can_decrypt(row.private_sealed, _location(row.kid))]

    async def _public_keys(self) -> Mapping[str, RSAKey]:
        known = self._public
        if known is None:
            return await self._loading()
        if self.may_use_known_keys():
            return known
        try:
            return await asyncio.wait_for(self._loading(), _RELOAD_SECONDS)
        except UNREACHABLE as error:
            self._failed_at = time.monotonic()
            _log.warning("public keys not reloaded", reason=type(error).__name__)
            return known

    def may_use_known_keys(self) -> bool:
        """Tell whether the known public keys may be used without asking the database."""
        now = time.monotonic()
        if now - self._failed_at < _UNHEARD_SECONDS:
            return True
        return not self._stale and (self.listener_alive or now - self._asked_at < _UNHEARD_SECONDS)

    async def _reread(self) -> Mapping[str, RSAKey]:
        known = self._public
        if known is not None and time.monotonic() - self._asked_at < _REREAD_SECONDS:
            return known
        return await self._loading()

    async def _load(self) -> Mapping[str, RSAKey]:
        self._asked_at = time.monotonic()
        generation = self.generation
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            rows = await connection.execute(queries.PUBLIC, {"horizon": clock.now() - _OVERLAP})
            keys = {row.kid: RSAKey.import_key(json.loads(row.public_jwk)) for row in rows}
        if generation != self.generation:
            return keys
        if self._public is not None and keys.keys() != self._public.keys():
            self.generation += 1  # changed without a notification
        self._public, self._stale = keys, False
        return keys

    async def _newest(self, connection: AsyncConnection) -> RSAKey | None:
        row = (await connection.execute(queries.NEWEST_PRIVATE)).one_or_none()
        if row is None:
            return None
        location = _location(row.kid)
        if not self._encryptor.is_current(row.private_sealed):
            encrypted = self._encryptor.rewrap(row.private_sealed, location)
            await connection.execute(queries.REWRAP, {"kid": row.kid, "private_sealed": encrypted})
        return RSAKey.import_key(json.loads(self._encryptor.decrypt(row.private_sealed, location)))

    async def _make_first(self, connection: AsyncConnection) -> RSAKey:
        await connection.execute(queries.LOCK)
        key = await self._newest(connection)
        if key is None:
            key = await _generate()
            await self._insert(connection, key)
            _log.info("signing key created", kid=key.kid)
        return key

    async def _insert(self, connection: AsyncConnection, key: RSAKey) -> None:
        kid = _kid(key)
        values = {
            "kid": kid,
            "algorithm": ALGORITHM,
            "public_jwk": json.dumps(_public_jwk(key)),
            "private_sealed": self._encryptor.encrypt(json.dumps(key.as_dict(private=True)).encode(), _location(kid)),
            "now": clock.now(),
        }
        await connection.execute(queries.INSERT, values)


async def _generate() -> RSAKey:
    key = await anyio.to_thread.run_sync(RSAKey.generate_key, _BITS)
    return RSAKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM})


def _public_jwk(key: RSAKey) -> Jwk:
    return {name: str(value) for name, value in key.as_dict(private=False).items()}


def _kid(key: RSAKey) -> str:
    if key.kid is None:
        raise ValueError("a signing key needs a kid")
    return key.kid


def _location(kid: str) -> SecretLocation:
    return SecretLocation("signing_key", "private_sealed", kid)
