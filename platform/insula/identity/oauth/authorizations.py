"""What users authorize OAuth clients to do: consents, authorization codes, and the sessions that clients get by them.

A code is stored hashed and good once, for a minute. A client that sends it again ends the session that it gave
(RFC 6749 section 4.1.2): somebody else may have the code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from insula.audit import NO_ORIGIN, PLATFORM, SYSTEM, Actor, Origin, record_in
from insula.core import clock
from insula.core.errors import NotFound
from insula.core.ids import TenantId, UserId, new_id, new_secret
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.db.engine.unit import Unit
from insula.identity.accounts.statements import AnyRow, every, one, run
from insula.identity.acts import ConsentAct, SessionAct
from insula.identity.oauth import statements
from insula.identity.sessions.refresh_keys import hashed
from insula.identity.sessions.refresh_tokens import Bounds, Holder, OpenedSession, RefreshTokens

CODE_PREFIX: Final = "insula_ac"
MOST_CONSENTS: Final = 500
_CODE_LIFETIME: Final = timedelta(seconds=60)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Consent:
    """A user's consent to a tenant's client, with the scopes that it covers."""

    id: UUID
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """A user's consent, with the names of the client and of its tenant."""

    id: UUID
    client_id: UUID
    client_name: str
    tenant_id: TenantId
    tenant_name: str
    scopes: Sequence[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Authorization:
    """A user's answer to an authorize request. ``scopes`` are None for all that the user may do.

    ``parent_id`` is the session of the browser; ``consent_id`` is None for a client of the platform itself.
    """

    client_id: UUID
    parent_id: UUID
    tenant_id: TenantId | None
    consent_id: UUID | None
    redirect_uri: str
    resource: str
    scopes: frozenset[str] | None
    challenge: str
    nonce: str | None


@dataclass(frozen=True, slots=True)
class PendingCode:
    """An unused code of a client, with the names by which Authlib asks for its parts."""

    hash: bytes
    user_id: UserId
    authenticated_at: datetime
    authorization: Authorization

    @property
    def code_challenge(self) -> str:
        """The S256 challenge."""
        return self.authorization.challenge

    @property
    def code_challenge_method(self) -> str:
        """The only method."""
        return "S256"

    def get_redirect_uri(self) -> str:
        """Return the redirect URI to which the code was sent."""
        return self.authorization.redirect_uri

    def get_scope(self) -> str:
        """Return the scopes, separated by spaces."""
        return " ".join(sorted(self.authorization.scopes or ()))


class Authorizations:
    """Consents, codes, and the sessions of clients in our tables, accessed as the identity role."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._tokens = RefreshTokens(settings.auth)
        self._lifetime = timedelta(days=settings.auth.refresh_token_days)
        self._brief = timedelta(seconds=settings.auth.access_token_seconds + settings.auth.leeway_seconds)

    async def consent(self, tenant_id: TenantId, client_id: UUID, user_id: UserId) -> Consent | None:
        """Return the user's consent to a tenant's client, or None."""
        values = {"tenant_id": tenant_id, "client_id": client_id, "user_id": user_id}
        async with self._database.unit(IDENTITY) as unit:
            row = await one(unit, statements.CONSENT, values)
        return None if row is None else Consent(row.id, frozenset(row.scopes))

    async def consent_to(
        self,
        tenant_id: TenantId,
        client_id: UUID,
        user_id: UserId,
        scopes: frozenset[str],
        origin: Origin = NO_ORIGIN,
    ) -> Consent:
        """Let a tenant's client have these scopes, besides those that the user has agreed to before."""
        values: dict[str, object] = {"tenant_id": tenant_id, "id": new_id(), "client_id": client_id, "user_id": user_id}
        values |= {"scopes": sorted(scopes), "now": clock.now()}
        async with self._database.unit(IDENTITY, tenant_id) as unit:
            row = await one(unit, statements.CONSENT_TO, values)
            if row is None:
                raise RuntimeError("an upsert returned no row")
            after = {"client_id": client_id, "scopes": sorted(row.scopes)}
            record_in(
                unit,
                Actor("user", user_id),
                ConsentAct.GIVEN,
                object_type="oauth_consent",
                object_id=row.id,
                after=after,
                tenant_id=tenant_id,
                origin=origin,
            )
        return Consent(row.id, frozenset(row.scopes))

    async def consents(self, user_id: UserId) -> Sequence[ConsentRecord]:
        """Return the user's consents in all tenants, the last changed first."""
        async with self._database.unit(IDENTITY) as unit:
            rows = await every(unit, statements.CONSENTS, {"user_id": user_id, "most": MOST_CONSENTS})
        return [_consent(row) for row in rows]

    async def withdraw(self, user_id: UserId, consent_id: UUID, origin: Origin = NO_ORIGIN) -> None:
        """Delete the user's consent; the sessions and tokens that the client got by it end with it.

        Raises NotFound, also for another user's consent.
        """
        values = {"consent_id": consent_id, "user_id": user_id}
        async with self._database.unit(IDENTITY) as unit:
            found = await one(unit, statements.TENANT_OF_CONSENT, values)
        if found is None:
            raise NotFound
        tenant_id = TenantId(found.tenant_id)
        async with self._database.unit(IDENTITY, tenant_id) as unit:
            row = await one(unit, statements.WITHDRAW, {**values, "tenant_id": tenant_id})
            if row is None:
                raise NotFound
            record_in(
                unit,
                Actor("user", user_id),
                ConsentAct.WITHDRAWN,
                object_type="oauth_consent",
                object_id=consent_id,
                before={"client_id": row.client_id, "user_id": row.user_id, "scopes": row.scopes},
                tenant_id=tenant_id,
                origin=origin,
            )

    async def issue_code(self, authorization: Authorization) -> str:
        """Return a new code for the user's answer."""
        code, now = new_secret(CODE_PREFIX), clock.now()
        values = {
            "hash": hashed(code),
            "client_id": authorization.client_id,
            "parent_id": authorization.parent_id,
            "tenant_id": authorization.tenant_id,
            "consent_id": authorization.consent_id,
            "redirect_uri": authorization.redirect_uri,
            "resource": authorization.resource,
            "scopes": None if authorization.scopes is None else sorted(authorization.scopes),
            "challenge": authorization.challenge,
            "nonce": authorization.nonce,
            "now": now,
            "expires_at": now + _CODE_LIFETIME,
        }
        async with self._database.unit(IDENTITY) as unit:
            await run(unit, statements.SAVE_CODE, values)
        return code

    async def pending(self, code: str, client_id: UUID, origin: Origin = NO_ORIGIN) -> PendingCode | None:
        """Return an unused code of the client, or None. A used one ends the session that it gave."""
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            row = await one(unit, statements.CODE, {"hash": hashed(code), "client_id": client_id})
            if row is None:
                return None
            if row.used_at is None:
                return _pending(row) if clock.now() < row.expires_at else None
            await _end_replayed(unit, row, origin)
        return None

    async def redeem(self, code: PendingCode, *, refreshing: bool, origin: Origin = NO_ORIGIN) -> OpenedSession | None:
        """Open a session for the client, with a refresh token if ``refreshing``, else an empty one.

        Returns None if the code was used meanwhile, which ends the session that it gave, or has expired, or the
        browser's session or the consent has ended.
        """
        given, now, session_id = code.authorization, clock.now(), new_id()
        expires_at = now + (self._lifetime if refreshing else self._brief)
        refresh_by = self._tokens.refresh_by(now, expires_at)
        values: dict[str, object] = {"hash": code.hash, "session_id": session_id, "user_id": code.user_id, "now": now}
        values |= {"expires_at": expires_at, "refresh_by": refresh_by, "authenticated_at": code.authenticated_at}
        values |= {"parent_id": given.parent_id, "tenant_id": given.tenant_id, "consent_id": given.consent_id}
        async with self._database.unit(IDENTITY, PLATFORM) as unit:
            if await one(unit, statements.LOCK_PARENT, values) is None:
                return None
            if given.consent_id is not None and await one(unit, statements.LOCK_CONSENT, values) is None:
                return None
            if await one(unit, statements.SPEND_CODE, values) is None:
                spent = await one(unit, statements.CODE, {"hash": code.hash, "client_id": given.client_id})
                if spent is not None and spent.used_at is not None:
                    await _end_replayed(unit, spent, origin)  # another exchange was faster
                return None
            token = await self._tokens.begin(unit, session_id, refresh_by) if refreshing else ""
            after = {"user_id": code.user_id, "client_id": given.client_id}
            record_in(
                unit,
                Actor("user", code.user_id),
                SessionAct.OPENED,
                object_type="session",
                object_id=session_id,
                after=after,
                origin=origin,
            )
        bounds = Bounds(given.client_id, given.resource, given.scopes)
        return OpenedSession(code.user_id, session_id, token, expires_at, bounds)

    async def holder(self, token: str, client_id: UUID, origin: Origin = NO_ORIGIN) -> Holder | None:
        """Return the holder of a client's refresh token, or None. A reused token ends its session."""
        async with self._database.unit(IDENTITY) as unit:
            return await self._tokens.holder(unit, token, Bounds(client_id), origin)

    async def exchange(self, token: str, wanted: Bounds, origin: Origin = NO_ORIGIN) -> OpenedSession | None:
        """Exchange a client's refresh token, as ``RefreshTokens.exchange`` does."""
        async with self._database.unit(IDENTITY) as unit:
            return await self._tokens.exchange(unit, token, wanted, origin)


async def _end_replayed(unit: Unit, code: AnyRow, origin: Origin) -> None:
    """End the session that a used code gave."""
    ended = await one(unit, statements.END_SESSION, {"session_id": code.session_id, "now": clock.now()})
    if ended is None:
        return
    _log.warning("authorization code reused", session_id=str(code.session_id), client_id=str(code.client_id))
    record_in(
        unit,
        SYSTEM,
        SessionAct.REUSE_REVOKED,
        object_type="session",
        object_id=code.session_id,
        after={"user_id": ended.user_id},
        origin=origin,
    )


def _consent(row: AnyRow) -> ConsentRecord:
    return ConsentRecord(
        id=row.id,
        client_id=row.client_id,
        client_name=row.client_name,
        tenant_id=TenantId(row.tenant_id),
        tenant_name=row.tenant_name,
        scopes=row.scopes,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _pending(row: AnyRow) -> PendingCode:
    authorization = Authorization(
        client_id=row.client_id,
        parent_id=row.parent_id,
        tenant_id=None if row.bound_tenant_id is None else TenantId(row.bound_tenant_id),
        consent_id=row.consent_id,
        redirect_uri=row.redirect_uri,
        resource=row.resource,
        scopes=None if row.scopes is None else frozenset(row.scopes),
        challenge=row.challenge,
        nonce=row.nonce,
    )
    return PendingCode(row.hash, UserId(row.user_id), row.authenticated_at, authorization)
