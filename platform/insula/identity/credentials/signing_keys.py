"""The signing keys: made once for all processes, sealed at rest, public halves known to every verifier."""

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
from insula.identity.credentials.encryption import Place, Sealer

ALGORITHM = "RS256"
_BITS = 2048
# A retired key verifies for as long as the longest-lived token that it may have signed, with leeway.
_OVERLAP = timedelta(hours=1, minutes=2)
_REREAD_SECONDS = 2.0
_RELOAD_SECONDS = 1.0
"""How long a request waits for keys to be read again when some are known; the reading goes on beside it."""
_UNHEARD_SECONDS = 1.0
"""How long the keys are believed while nobody tells of changes, and after a reload that failed."""
_log = structlog.get_logger(__name__)

Jwk = Mapping[str, str]


class KeyRing:
    """Signs with the newest key, verifies with every key that is not long retired.

    ``generation`` grows whenever the keys may have changed: whoever keeps what a key has proved
    keeps it for one generation. Registered with the listener as a sink of access changes.

    Public keys that were read stay known when a reload fails: they do not become untrue because the
    database is away.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._sealer = Sealer.of(settings.auth.key_encryption_key)
        self._public: Mapping[str, RSAKey] | None = None
        self._signer: RSAKey | None = None
        self._loading = SharedLoad(self._load)
        self._loading_signer = SharedLoad(self._load_signer)
        self._stale = True
        self._asked_at = self._failed_at = float("-inf")
        self.generation = 0
        self.listener_alive = False

    async def load(self) -> None:
        """Read the keys, making the first one if need be, so that no request waits for it.

        While the database is away this does nothing: the first request that needs a key reads it.
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
        """Forget the keys when ``payload`` says that they changed."""
        if payload.startswith("keys:"):
            self.flush()

    def flush(self) -> None:
        """Read the keys again before they are next used, and forget whatever they proved."""
        self.generation += 1
        self._stale = True
        self._failed_at = float("-inf")
        self._signer = None
        self._loading.forget()
        self._loading_signer.forget()

    async def find(self, kid: str) -> RSAKey:
        """Return the public key named ``kid``. Raises Unauthenticated when it is not ours.

        A name that is not known has the keys read again, at most once every few seconds however
        many strange names arrive.
        """
        key = (await self._public_keys()).get(kid)
        if key is None:
            key = (await self._reread()).get(kid)
        if key is None:
            raise Unauthenticated
        return key

    async def signer(self) -> RSAKey:
        """Return the private key to sign with, named by its ``kid``; the first one is made here."""
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
        """Return the public keys as JWKs (RFC 7517), for whoever verifies our tokens elsewhere."""
        return [_public_jwk(key) for key in (await self._public_keys()).values()]

    async def rotate(self, *, distrust: bool = False) -> str:
        """Sign with a new key from now on, and return its ``kid``.

        The keys before it are retired: tokens they signed stay good until they expire. With
        ``distrust``, for a key that leaked, they count as long retired and their tokens die at once.
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

    async def sealed_away(self) -> list[str]:
        """Return the ``kid`` of each signing key that no configured key-encryption key opens."""
        async with self._database.unit(IDENTITY) as unit:
            rows = (await (await unit.session.connection()).execute(queries.SIGNING)).all()
        return [row.kid for row in rows if not self._sealer.opens(row.private_sealed, _place(row.kid))]

    async def _public_keys(self) -> Mapping[str, RSAKey]:
        known = self._public
        if known is None:
            return await self._loading()
        if self.is_believed():
            return known
        try:
            return await asyncio.wait_for(self._loading(), _RELOAD_SECONDS)
        except UNREACHABLE as error:
            self._failed_at = time.monotonic()
            _log.warning("public keys not reloaded", reason=type(error).__name__)
            return known

    def is_believed(self) -> bool:
        """Tell whether the public keys may be used as they are known, without a look at the database."""
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
            self.generation += 1  # changed while nobody told us
        self._public, self._stale = keys, False
        return keys

    async def _newest(self, connection: AsyncConnection) -> RSAKey | None:
        row = (await connection.execute(queries.NEWEST_PRIVATE)).one_or_none()
        if row is None:
            return None
        place = _place(row.kid)
        if not self._sealer.is_current(row.private_sealed):
            sealed = self._sealer.rewrap(row.private_sealed, place)
            await connection.execute(queries.RESEAL, {"kid": row.kid, "private_sealed": sealed})
        return RSAKey.import_key(json.loads(self._sealer.open(row.private_sealed, place)))

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
            "private_sealed": self._sealer.seal(json.dumps(key.as_dict(private=True)).encode(), _place(kid)),
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
        raise ValueError("a signing key has a name")
    return key.kid


def _place(kid: str) -> Place:
    return Place("signing_key", "private_sealed", kid)
